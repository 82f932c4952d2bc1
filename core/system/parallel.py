"""Work on many files in parallel, one thread for each core."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import cv2

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class _SingleThreadedOpenCV:
    """Sets OpenCV's number of threads, a setting of the whole process, to one while any thread is inside
    this context, and restores it when the last one leaves."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._before = 0

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._before = cv2.getNumThreads()
                cv2.setNumThreads(1)
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                cv2.setNumThreads(self._before)


_single_threaded_opencv = _SingleThreadedOpenCV()


@contextmanager
def all_cores() -> Iterator[ThreadPoolExecutor]:
    """A pool with a thread for each core, while OpenCV starts no threads of its own.

    On two cores a check of photos runs a third faster this way than with Python's default number of
    threads and OpenCV's own.
    """
    with _single_threaded_opencv, ThreadPoolExecutor(os.cpu_count()) as pool:
        yield pool


def in_order(
    pool: ThreadPoolExecutor, work: Callable[[_Item], _Result], items: Sequence[_Item], ahead: int = 64
) -> Iterator[_Result]:
    """`map` over a pool that holds at most `ahead` results, so that memory does not grow with the data."""
    waiting: deque[Future[_Result]] = deque()
    for item in items:
        waiting.append(pool.submit(work, item))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
