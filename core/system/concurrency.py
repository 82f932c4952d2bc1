"""Limits concurrent heavy work of many visitors, and returns freed memory to the system."""

import contextlib
import ctypes
import os
import sys
import threading
from collections.abc import Iterator

from core.errors import UserError

M_ARENA_MAX = -8  # malloc.h of glibc
ARENAS = 2

# More than one job for each core finishes no sooner, and each holds some 100 MB while it runs.
_turns = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))


class BusyError(UserError):
    """Too much work is waiting already."""


@contextlib.contextmanager
def taking_turns(patience: float | None = None) -> Iterator[None]:
    """Use around code that decodes, refines, composes or encodes a whole photo. Raises BusyError after
    waiting for `patience` seconds; None waits forever."""
    if not _turns.acquire(timeout=patience):
        raise BusyError("Too many photos are waiting: try again in a moment.")
    try:
        yield
    finally:
        _turns.release()


def few_arenas() -> None:
    """Limit glibc to ARENAS heaps for all threads: each heap keeps the memory that its threads freed."""
    if libc := _libc():
        libc.mallopt(M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Return freed memory to the system (glibc only)."""
    if libc := _libc():
        libc.malloc_trim(0)


def _libc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        libc = ctypes.CDLL("libc.so.6")
        return libc if hasattr(libc, "malloc_trim") else None
    except OSError:  # musl
        return None
