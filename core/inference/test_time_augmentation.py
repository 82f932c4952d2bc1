"""Test-time augmentation: the mean of predictions of the photo, also flipped, at other scales and in tiles.

benchmarks/tta.py measures its gain and its cost; docs/segment.md has the figures.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from core.cutout_settings import MAX_LONG_SIDE, CutOutSettings

if TYPE_CHECKING:
    from core.inference.predictor import Predictor

Map = NDArray[np.float32]
Photo = NDArray[np.uint8]

SCALES = (0.75, 1.0, 1.25)
OVERLAP = 0.25  # of a tile's length, with each neighbour


def probability_map(photo: Photo, predictor: "Predictor", settings: CutOutSettings) -> Map:
    """Foreground probability at the network's resolution, float32 (h, w), or with tiles at `settings.tiles`
    times that: the mean of all forward passes."""
    if settings.passes == 1:
        return predictor.small_map(photo, settings.long_side)
    side = predictor.side_for(photo, settings.long_side)
    whole = _whole(predictor, photo, settings, side)
    if settings.tiles <= 1 or predictor.card.window is not None:  # windows add the same detail
        return whole
    tiles = _tiled(predictor, photo, settings, side)
    height, width = tiles.shape
    # The whole photo adds context, the tiles add detail.
    enlarged = cv2.resize(whole, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray((enlarged + tiles) / 2, np.float32)


def _whole(predictor: "Predictor", photo: Photo, settings: CutOutSettings, side: int) -> Map:
    first = _predicted(predictor, photo, settings.flip, side)
    if not settings.scales:
        return first
    size = first.shape[1], first.shape[0]
    others = [
        _predicted(predictor, photo, settings.flip, round(side * scale)) for scale in SCALES if scale != 1
    ]
    fitted = [cv2.resize(other, size, interpolation=cv2.INTER_LINEAR) for other in others]
    return np.asarray(np.stack([first, *fitted]).mean(axis=0), np.float32)


def _predicted(predictor: "Predictor", photo: Photo, flip: bool, side: int) -> Map:
    found = predictor.small_map(photo, side)
    if not flip:
        return found
    flipped = predictor.small_map(np.ascontiguousarray(photo[:, ::-1]), side)
    return np.asarray((found + flipped[:, ::-1]) / 2, np.float32)


def _tiled(predictor: "Predictor", photo: Photo, settings: CutOutSettings, side: int) -> Map:
    """Overlapping tiles, each predicted at `side`, blended."""
    scale = min(side * settings.tiles, MAX_LONG_SIDE) / max(photo.shape[:2])
    height, width = (max(1, round(n * scale)) for n in photo.shape[:2])
    total: Map = np.zeros((height, width), np.float32)
    weight: Map = np.zeros((height, width), np.float32)
    for rows in spans(photo.shape[0], settings.tiles):
        for columns in spans(photo.shape[1], settings.tiles):
            tile = np.ascontiguousarray(photo[slice(*rows), slice(*columns)])
            found = _predicted(predictor, tile, settings.flip, side)
            across = _Span.of(columns, photo.shape[1], width)
            down = _Span.of(rows, photo.shape[0], height)
            window = np.outer(down.window(), across.window()).astype(np.float32)
            total[down.place, across.place] += _laid(found, down, across) * window
            weight[down.place, across.place] += window
    return np.asarray(total / weight, np.float32)


@dataclass(frozen=True, slots=True)
class _Span:
    """The place of a tile along one side of the blended map: from `start` to `end` in fractional pixels, as
    tiles do not begin at whole ones."""

    start: float
    end: float
    place: slice

    @classmethod
    def of(cls, span: tuple[int, int], photo: int, joint: int) -> "_Span":
        start, end = (n * joint / photo for n in span)
        return cls(start, end, slice(math.floor(start), min(joint, math.ceil(end))))

    def window(self) -> Map:
        """Weights for blending: high in the middle, low at the ends, positive everywhere."""
        middles = np.arange(self.place.start, self.place.stop, dtype=np.float32) + 0.5
        share = np.clip((middles - self.start) / (self.end - self.start), 0, 1)
        return np.asarray(np.sin(np.pi * share) ** 2 + 0.01, np.float32)

    def steps(self, length: int) -> tuple[float, float]:
        """Scale and offset from an index of `place` to one of the tile's `length` pixels."""
        each = length / (self.end - self.start)
        return each, (self.place.start + 0.5 - self.start) * each - 0.5


def _laid(found: Map, down: _Span, across: _Span) -> Map:
    """A tile's map resampled to the pixels of the blended map."""
    size = across.place.stop - across.place.start, down.place.stop - down.place.start
    (x, left), (y, top) = across.steps(found.shape[1]), down.steps(found.shape[0])
    way = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    matrix = np.array([[x, 0, left], [0, y, top]])
    return np.asarray(cv2.warpAffine(found, matrix, size, flags=way, borderMode=cv2.BORDER_REPLICATE))


def spans(length: int, tiles: int) -> Iterator[tuple[int, int]]:
    """Start and end of each tile along a side: equally long, overlapping, together as long as the side."""
    long = min(length, max(1, round(length / (tiles - (tiles - 1) * OVERLAP))))
    for i in range(tiles):
        start = round(i * (length - long) / max(1, tiles - 1))
        yield start, start + long
