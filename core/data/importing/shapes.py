"""Shapes that annotation files give as numbers, and the pixels that lie inside of them.

Every shape has `inside(height, width)`: a bool array of that size for a photo of that size. It raises
ValueError where the numbers cannot belong to such a photo. Polygons and COCO's run lengths become pixels
by pycocotools, the reference for both.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.data.photos import open_picture, reading

OVERSHOOT = 0.1  # of the photo's side, by which an outline may leave it: objects continue beyond the edge
MAX_PATH = 5_000_000  # pixels along an outline; pycocotools takes 40 bytes for each
Mask = NDArray[np.bool_]


class Shape(Protocol):
    def inside(self, height: int, width: int) -> Mask: ...


@dataclass(frozen=True, slots=True)
class Outline:
    """A shape of a class, `category` being the index of its name. `order` is higher for what lies above
    others; where it is equal, small shapes lie on large ones."""

    category: int
    shape: Shape
    order: int = 0


@dataclass(frozen=True, slots=True)
class Polygons:
    """Rings of points x, y, x, y … in pixels; `holes` are cut out of all of them."""

    rings: Sequence[Sequence[float]]
    holes: Sequence[Sequence[float]] = ()

    def inside(self, height: int, width: int) -> Mask:
        filled = _filled(self.rings, height, width)
        return filled & ~_filled(self.holes, height, width) if self.holes else filled


@dataclass(frozen=True, slots=True)
class Shares:
    """One ring of points x, y, x, y … in shares of the photo's width and height (float64)."""

    points: NDArray[np.float64]

    def inside(self, height: int, width: int) -> Mask:
        scaled = self.points * np.tile([width, height], len(self.points) // 2)
        return _filled([scaled.tolist()], height, width)


@dataclass(frozen=True, slots=True)
class CocoShape:
    """A COCO segmentation as the file has it: polygons, run lengths or compressed run lengths."""

    value: Any

    def inside(self, height: int, width: int) -> Mask:
        from pycocotools import mask as coco_masks

        if isinstance(self.value, list):
            return _filled(self.value, height, width)
        if list(map(int, self.value["size"])) != [height, width]:
            raise ValueError("sizes differ")
        runs = self.value["counts"]
        if isinstance(runs, list):
            _check_runs(runs, height * width)
            code = coco_masks.frPyObjects({"size": [height, width], "counts": runs}, height, width)
        elif isinstance(runs, str):
            code = {"size": [height, width], "counts": _whole_runs(runs.encode(), height * width)}
        else:
            raise ValueError("damaged run lengths")
        return np.asarray(coco_masks.decode(code), bool)


@dataclass(frozen=True, slots=True)
class Ellipse:
    """Centre and half axes in pixels; `angle` turns it clockwise, in degrees. A pixel is inside where its
    centre is."""

    x: float
    y: float
    half_width: float
    half_height: float
    angle: float = 0.0

    def inside(self, height: int, width: int) -> Mask:
        numbers = (self.x, self.y, self.half_width, self.half_height, self.angle)
        if not all(map(math.isfinite, numbers)) or min(self.half_width, self.half_height) <= 0:
            raise ValueError("an ellipse without a size")
        turn = math.radians(self.angle)
        right = np.arange(width)[None, :] + 0.5 - self.x
        down = np.arange(height)[:, None] + 0.5 - self.y
        along = (right * math.cos(turn) + down * math.sin(turn)) / self.half_width
        across = (down * math.cos(turn) - right * math.sin(turn)) / self.half_height
        return np.asarray(along**2 + across**2 <= 1)


@dataclass(frozen=True, slots=True)
class Bitmap:
    """A small picture of the shape, as the bytes of its file, with its corner at `left`, `top`. Where it
    has transparency, that says what is inside; else every value above 0 is."""

    file: bytes
    left: int
    top: int

    def inside(self, height: int, width: int) -> Mask:
        picture = open_picture(self.file, "A bitmap")
        with reading("A bitmap"):
            channel = "A" if picture.mode in ("LA", "RGBA") else None
            values = np.asarray(picture.getchannel(channel) if channel else picture.convert("L"))
        return _placed(values > 0, self.left, self.top, height, width)


@dataclass(frozen=True, slots=True)
class BoxRuns:
    """Run lengths, row by row, of a box with its corner at `left`, `top`: outside first, then inside …"""

    runs: Sequence[int]
    left: int
    top: int
    width: int
    height: int

    def inside(self, height: int, width: int) -> Mask:
        if min(self.width, self.height) < 1 or self.width > width or self.height > height:
            raise ValueError("a mask that is larger than its photo")
        _check_runs(self.runs, self.width * self.height)
        values = np.repeat(np.arange(len(self.runs)) % 2 == 1, self.runs)
        return _placed(values.reshape(self.height, self.width), self.left, self.top, height, width)


@dataclass(frozen=True, slots=True)
class StartRuns:
    """Pairs of a start, counted from 1, and a length; down the columns, or `by_rows` along the rows."""

    pairs: NDArray[np.int64]
    by_rows: bool = False

    def inside(self, height: int, width: int) -> Mask:
        starts, lengths = self.pairs[0::2] - 1, self.pairs[1::2]
        if (starts < 0).any() or (lengths < 0).any() or (lengths > height * width - starts).any():
            raise ValueError(f"a run leaves its {width}x{height} pixels")
        flat = np.zeros(height * width, bool)
        for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
            flat[start : start + length] = True
        return flat.reshape(height, width) if self.by_rows else flat.reshape(width, height).T


def _placed(patch: Mask, left: int, top: int, height: int, width: int) -> Mask:
    """The patch in an array of the photo's size; what lies beyond the photo's edge is cut off."""
    rows, columns = patch.shape
    _check_inside([[left, top, left + columns, top + rows]], height, width)
    inside = np.zeros((height, width), bool)
    y, x = max(top, 0), max(left, 0)
    kept = patch[y - top : height - top, x - left : width - left]
    inside[y : y + kept.shape[0], x : x + kept.shape[1]] = kept
    return inside


def _filled(rings: Sequence[Sequence[float]], height: int, width: int) -> Mask:
    from pycocotools import mask as coco_masks

    polygons = [[float(v) for v in ring] for ring in rings if len(ring) >= 6 and len(ring) % 2 == 0]
    if not polygons:
        return np.zeros((height, width), bool)
    _check_inside(polygons, height, width)
    if sum(map(_path, polygons)) > MAX_PATH:
        raise ValueError(f"it is more than {MAX_PATH:,} pixels long")
    return np.asarray(
        coco_masks.decode(coco_masks.merge(coco_masks.frPyObjects(polygons, height, width))), bool
    )


def _path(ring: Sequence[float]) -> float:
    """Pixels along a closed ring, as pycocotools counts them: a step is as long as its longer side."""
    points = np.array(ring, np.float64).reshape(-1, 2)
    return float(np.abs(points - np.roll(points, 1, axis=0)).max(axis=1).sum())


def _check_inside(polygons: Sequence[Sequence[float]], height: int, width: int) -> None:
    """Raises ValueError where points lie far outside: they were drawn for a picture of another size."""
    for polygon in polygons:
        if not all(map(math.isfinite, polygon)):  # JSON has NaN, with which pycocotools takes all memory
            raise ValueError("points without a number")
        for points, side in ((polygon[0::2], width), (polygon[1::2], height)):
            if not -OVERSHOOT * side - 1 <= min(points) <= max(points) <= (1 + OVERSHOOT) * side + 1:
                raise ValueError(f"points lie outside of its {width}x{height} pixels")


def _check_runs(runs: Sequence[int], pixels: int) -> None:
    if sum(runs) != pixels or min(runs, default=0) < 0:
        raise ValueError("run lengths do not fill the picture")


def _whole_runs(text: bytes, pixels: int) -> bytes:
    """COCO's compressed run lengths, if they fill the picture exactly: the C code trusts them.

    Source: rleFrString in pycocotools' maskApi.c.
    """
    runs: list[int] = []
    at = 0
    while at < len(text):
        value, shift, more = 0, 0, True
        while more:
            byte = text[at] - 48 if at < len(text) else -1
            if byte < 0 or byte > 63 or shift > 60:
                raise ValueError("damaged run lengths")
            value |= (byte & 31) << shift
            more, at, shift = bool(byte & 32), at + 1, shift + 5
            if not more and byte & 16:
                value |= -1 << shift
        if len(runs) > 2:
            value += runs[-2]
        if value < 0:
            raise ValueError("damaged run lengths")
        runs.append(value)
    _check_runs(runs, pixels)
    return text
