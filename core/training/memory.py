"""Memory of the training process: keep freed blocks, and recognise when there is too little."""

import ctypes
import sys

import torch

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3  # malloc.h of glibc


def keep_freed_memory() -> bool:
    """Make glibc keep freed blocks for the next step instead of returning them to the system.

    Every step allocates the same large activations; blocks that come from the system each time are zeroed
    and faulted in again, page by page. For a process that only trains.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        libc = ctypes.CDLL("libc.so.6")
        return all((
            libc.mallopt(M_MMAP_THRESHOLD, 1 << 30),
            libc.mallopt(M_TRIM_THRESHOLD, (1 << 31) - 1),
            libc.mallopt(M_TOP_PAD, 256 << 20),
        ))  # fmt: skip
    except (OSError, AttributeError):  # musl and others
        return False


def is_out_of_memory(error: BaseException) -> bool:
    """Whether this error of torch means that a batch did not fit."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and ("can't allocate memory" in text or "out of memory" in text)


def release(device: str) -> None:
    """Return a GPU's cached blocks before a smaller attempt."""
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
