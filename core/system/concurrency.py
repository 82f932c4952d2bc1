"""Heavy work for many visitors takes turns, and the memory that it used goes back to the system."""

import contextlib
import ctypes
import os
import sys
import threading
from collections.abc import Iterator

from core.errors import UserError

M_ARENA_MAX = -8  # malloc.h of glibc
ARENAS = 2

# More at once than there are cores are not done sooner, and each holds some 100 MB while it lasts.
_turns = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))


class BusyError(UserError):
    """More work waits than anybody would wait for."""


@contextlib.contextmanager
def taking_turns(patience: float | None = None) -> Iterator[None]:
    """Around what decodes, refines, composes or encodes a whole photo. Raises BusyError after so many
    seconds of waiting, where there is an end to it."""
    if not _turns.acquire(timeout=patience):
        raise BusyError("Too many photos are waiting: try again in a moment.")
    try:
        yield
    finally:
        _turns.release()


def few_arenas() -> None:
    """Have threads share two heaps: with one each, what thirty sessions free is kept thirty times."""
    if libc := _libc():
        libc.mallopt(M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Return freed memory to the system, where the allocator keeps it (glibc)."""
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
