"""Work on many files at once, a thread for each core."""

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
    """OpenCV's number of threads, which belongs to the process: one while anybody asks for that, and the
    number from before once the last of them, whoever that is, has left."""

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
    """A thread for each core, inside which OpenCV starts none of its own.

    More threads than cores only wait for each other; measured on two cores, a check of photos runs
    a third faster so than with Python's default number and OpenCV's own threads.
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
