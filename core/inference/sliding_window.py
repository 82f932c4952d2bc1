"""Predicting a photo window by window, from top to bottom.

Only the rows of the current windows are held, however high the photo is. MONAI's sliding_window_inference
gives the same result, but holds the maps of all classes for the whole photo.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from core.models.window import Window

Maps = NDArray[np.float32]
Photo = NDArray[np.uint8]
Forward = Callable[[list[Photo]], NDArray[np.float32] | list[Maps]]


def strips(
    photo: Photo, inner: tuple[int, int], window: Window, forward: Forward, together: int
) -> Iterator[Maps]:
    """The logits of a photo from top to bottom, as strips float32 (outputs, rows, w) of full width.

    `photo` is uint8 (h, w, 3), of which the upper left `inner`, (height, width), is wanted.
    `forward` maps up to `together` windows, uint8 of one shape (a, b, 3), to logits (outputs, a, b). Windows
    are cut off where the photo is smaller. Where they overlap, logits are averaged with Gaussian weights.
    """
    height, width = photo.shape[:2]
    if window.covers(height, width):
        yield forward([photo])[0][:, : inner[0], : inner[1]]
        return
    tops, lefts = window.places(height, width)
    down, across = (weights[:side] for weights, side in zip(window.weights, (height, width), strict=True))
    rows, columns = len(down), len(across)
    down_total = _total(down, tops, height)
    across_total = _total(across, lefts, width)
    held: Maps | None = None
    for top, following in zip(tops, [*tops[1:], height], strict=True):
        for first in range(0, len(lefts), together):
            some = lefts[first : first + together]
            windows = [photo[top : top + rows, left : left + columns] for left in some]
            for left, logits in zip(some, forward(windows), strict=True):
                if held is None:
                    held = np.zeros((len(logits), rows, width), np.float32)
                held[:, :, left : left + columns] += logits * down[:, None] * across
        assert held is not None
        done = following - top
        if top < inner[0]:
            averaged = held[:, :done] / (down_total[top:following, None] * across_total)
            yield averaged[:, : inner[0] - top, : inner[1]]
        held[:, : rows - done] = held[:, done:].copy()
        held[:, rows - done :] = 0


def _total(weights: NDArray[np.float32], starts: list[int], length: int) -> NDArray[np.float32]:
    """The sum of the weights at each place along a side. Those of a pixel are a row's times a column's, so
    that of all windows is a product as well."""
    total = np.zeros(length, np.float32)
    for start in starts:
        total[start : start + len(weights)] += weights
    return total
