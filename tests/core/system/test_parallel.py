"""OpenCV's threads belong to the process: who borrows them brings them back, in whatever order."""

from collections.abc import Iterator

import cv2
import pytest

from core.system.parallel import all_cores


@pytest.fixture(autouse=True)
def three_threads() -> Iterator[None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    yield
    cv2.setNumThreads(before)


def test_overlapping_uses_give_opencv_its_threads_back() -> None:
    first, second = all_cores(), all_cores()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert cv2.getNumThreads() == 1  # the second still works
    second.__exit__(None, None, None)
    assert cv2.getNumThreads() == 3


def test_a_use_that_fails_gives_them_back_too() -> None:
    with pytest.raises(ValueError, match="no"), all_cores():
        raise ValueError("no")
    assert cv2.getNumThreads() == 3
