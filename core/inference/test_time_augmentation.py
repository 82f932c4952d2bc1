"""How a model looks at a photo: once, or also mirrored, larger and smaller, and piece by piece.

More looks cost time and gain a little; docs/segment.md says how much, benchmarks/looks.py measures it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from core.inference.predictor import Predictor

Map = NDArray[np.float32]
Photo = NDArray[np.uint8]

SCALES = (0.75, 1.0, 1.25)
OVERLAP = 0.25  # of a piece's length, shared with its neighbour
MAX_PIECES = 4  # along each side


@dataclass(frozen=True, slots=True)
class Gaze:
    """`mirror`: also left for right. `scales`: also at three quarters and five quarters of the size.
    `pieces`: along each side, each seen as large as the whole photo is otherwise; 1 for the whole alone.
    """

    mirror: bool = False
    scales: bool = False
    pieces: int = 1

    @property
    def looks(self) -> int:
        """How many times the network is asked."""
        whole = len(SCALES) if self.scales else 1
        return (whole + (self.pieces**2 if self.pieces > 1 else 0)) * (2 if self.mirror else 1)


def small_map(predictor: "Predictor", photo: Photo, gaze: Gaze, long_side: int | None = None) -> Map:
    """The foreground's probability at the size at which the network saw the photo, float32 (h, w); with
    pieces, that many times larger. Of several looks it is the mean."""
    if gaze == Gaze():
        return predictor.small_map(photo, long_side)
    side = long_side or predictor.card.long_side
    whole = _whole(predictor, photo, gaze, side)
    if gaze.pieces <= 1:
        return whole
    pieces = _pieces(predictor, photo, gaze, side)
    height, width = pieces.shape
    # The whole knows what it looks at, the pieces know where it ends.
    enlarged = cv2.resize(whole, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray((enlarged + pieces) / 2, np.float32)


def _whole(predictor: "Predictor", photo: Photo, gaze: Gaze, side: int) -> Map:
    first = _seen(predictor, photo, gaze.mirror, side)
    if not gaze.scales:
        return first
    size = first.shape[1], first.shape[0]
    others = [_seen(predictor, photo, gaze.mirror, round(side * scale)) for scale in SCALES if scale != 1]
    fitted = [cv2.resize(other, size, interpolation=cv2.INTER_LINEAR) for other in others]
    return np.asarray(np.stack([first, *fitted]).mean(axis=0), np.float32)


def _seen(predictor: "Predictor", photo: Photo, mirror: bool, side: int) -> Map:
    found = predictor.small_map(photo, side)
    if not mirror:
        return found
    turned = predictor.small_map(np.ascontiguousarray(photo[:, ::-1]), side)
    return np.asarray((found + turned[:, ::-1]) / 2, np.float32)


def _pieces(predictor: "Predictor", photo: Photo, gaze: Gaze, side: int) -> Map:
    """Overlapping pieces, each seen at `side`, laid together with soft borders."""
    from core.inference.predictor import MAX_LONG_SIDE

    scale = min(side * gaze.pieces, MAX_LONG_SIDE) / max(photo.shape[:2])
    height, width = (max(1, round(n * scale)) for n in photo.shape[:2])
    total: Map = np.zeros((height, width), np.float32)
    weight: Map = np.zeros((height, width), np.float32)
    for rows in spans(photo.shape[0], gaze.pieces):
        for columns in spans(photo.shape[1], gaze.pieces):
            piece = np.ascontiguousarray(photo[slice(*rows), slice(*columns)])
            found = _seen(predictor, piece, gaze.mirror, side)
            across = _Span.of(columns, photo.shape[1], width)
            down = _Span.of(rows, photo.shape[0], height)
            window = np.outer(down.window(), across.window()).astype(np.float32)
            total[down.place, across.place] += _laid(found, down, across) * window
            weight[down.place, across.place] += window
    return np.asarray(total / weight, np.float32)


@dataclass(frozen=True, slots=True)
class _Span:
    """Where a piece lies along one side of the joint map: from `start` to `end`, in its pixels and
    fractions of them, because pieces begin between whole pixels of the photo."""

    start: float
    end: float
    place: slice

    @classmethod
    def of(cls, span: tuple[int, int], photo: int, joint: int) -> "_Span":
        start, end = (n * joint / photo for n in span)
        return cls(start, end, slice(math.floor(start), min(joint, math.ceil(end))))

    def window(self) -> Map:
        """High in the middle, low at the ends, nowhere 0."""
        middles = np.arange(self.place.start, self.place.stop, dtype=np.float32) + 0.5
        share = np.clip((middles - self.start) / (self.end - self.start), 0, 1)
        return np.asarray(np.sin(np.pi * share) ** 2 + 0.01, np.float32)

    def steps(self, length: int) -> tuple[float, float]:
        """Which of a piece's `length` pixels is under pixel i of `place`: the first of these i times."""
        each = length / (self.end - self.start)
        return each, (self.place.start + 0.5 - self.start) * each - 0.5


def _laid(found: Map, down: _Span, across: _Span) -> Map:
    """A piece's map at its place of the joint map, to a fraction of a pixel."""
    size = across.place.stop - across.place.start, down.place.stop - down.place.start
    (x, left), (y, top) = across.steps(found.shape[1]), down.steps(found.shape[0])
    way = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    matrix = np.array([[x, 0, left], [0, y, top]])
    return np.asarray(cv2.warpAffine(found, matrix, size, flags=way, borderMode=cv2.BORDER_REPLICATE))


def spans(length: int, pieces: int) -> Iterator[tuple[int, int]]:
    """Where pieces begin and end along a side: equally long, overlapping, the ends at the ends."""
    long = min(length, max(1, round(length / (pieces - (pieces - 1) * OVERLAP))))
    for i in range(pieces):
        start = round(i * (length - long) / max(1, pieces - 1))
        yield start, start + long
