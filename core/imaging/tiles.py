"""Work on large photos a tile at a time, where only some tiles need it."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float32]
Window = tuple[slice, slice]  # rows and columns

TILE = 128  # pixels a side: what is computed for a tile fits into a core's cache


def tiles(height: int, width: int, margin: int = 0) -> Iterator[tuple[Window, Window]]:
    """Windows that together are the photo, each also with a margin around it as far as the photo goes."""
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            bottom, right = min(height, top + TILE), min(width, left + TILE)
            yield (
                (slice(top, bottom), slice(left, right)),
                (
                    slice(max(0, top - margin), min(height, bottom + margin)),
                    slice(max(0, left - margin), min(width, right + margin)),
                ),
            )


def enlarged(coarse: Map, window: Window, size: tuple[int, int]) -> Map:
    """A window of the map (h, w, n) enlarged to `size`, as cv2.resize with INTER_LINEAR enlarges it whole."""
    upper, lower, share = _neighbours(window[0], coarse.shape[0], size[0])
    left, right, along = _neighbours(window[1], coarse.shape[1], size[1])
    part = coarse[:, left[0] : right[-1] + 1]
    tall = part[upper] + (part[lower] - part[upper]) * share[:, None, None]
    left, right = left - left[0], right - left[0]
    return np.asarray(tall[:, left] + (tall[:, right] - tall[:, left]) * along[:, None], np.float32)


def _neighbours(place: slice, count: int, length: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Map]:
    """Where the pixels in `place`, of `length`, lie in a side of `count`: between which two pixels, and how
    far towards the second, 0..1. Pixels stand for their middles."""
    middles = (np.arange(place.start, place.stop) + 0.5) * count / length - 0.5
    first = np.clip(np.floor(middles).astype(np.intp), 0, count - 1)
    return first, np.minimum(first + 1, count - 1), np.clip(middles - first, 0, 1).astype(np.float32)
