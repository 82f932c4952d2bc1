"""Outlines that are numbers, polygons or run lengths, and the masks that are drawn of them.

Outlines are turned into pixels by pycocotools, the reference for both of COCO's forms.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.classes import ClassEncoding, MaskEncoding
from core.data.importing.names import unique_names
from core.data.importing.plan import Copying, Item, MaskFile, Plan
from core.data.importing.side_files import with_listed_parts
from core.data.importing.sources import Source
from core.data.masks import BinaryEncoding
from core.data.pairing import Problem
from core.data.photos import MAX_PIXELS
from core.errors import UserError
from core.imaging import rendering
from core.task import MAX_CLASSES, Task

BACKGROUND = "background"
MAX_DRAWN = MAX_CLASSES["multiclass"] - 1  # kinds that can be told apart beside the background
OVERSHOOT = 0.1  # of the photo's side, by which an outline may leave it: objects go on beyond the edge


@dataclass(frozen=True, slots=True)
class Outline:
    """`category` is an index of the classes; `shape` a COCO segmentation, polygons in pixels or run
    lengths, or an array of x, y, x, y … in shares of width and height (float)."""

    category: int
    shape: Any


@dataclass(frozen=True, slots=True)
class Drawn:
    """Outlines by photo name. `sizes` are (height, width) that they were drawn for, where it is known.

    `chosen` are the names that are drawn; () are all.
    """

    names: tuple[str, ...]
    outlines: Mapping[str, Sequence[Outline]]
    sizes: Mapping[str, tuple[int, int]]
    chosen: tuple[str, ...] = ()
    as_one: bool = False

    @property
    def classes(self) -> tuple[str, ...]:
        return self.names

    @property
    def wanted(self) -> tuple[str, ...]:
        return self.chosen or self.names

    def rule(self) -> MaskEncoding | None:
        if self.as_one:
            shown = ", ".join(self.wanted[:8]) + (
                f" and {len(self.wanted) - 8} more" if len(self.wanted) > 8 else ""
            )
            return BinaryEncoding(128, meaning=f"{shown}: foreground, 255")
        names = (BACKGROUND, *self.wanted)
        return ClassEncoding(Task("multiclass", names, tuple(range(len(names)))))

    def choosing(self, names: tuple[str, ...], as_one: bool) -> "Drawn":
        """Raises UserError where these are more than can be told apart."""
        chosen = tuple(n for n in self.names if n in names)
        if not as_one and len(chosen) > MAX_DRAWN:
            raise UserError(
                f"{len(chosen):,} classes are more than the {MAX_DRAWN} that can be told apart: choose fewer "
                "or all of them as one foreground."
            )
        return replace(self, chosen=chosen, as_one=as_one)

    def copying(self) -> Copying:
        return Copying(self)

    def files(self, source: Source, item: Item, size: tuple[int, int]) -> list[MaskFile]:
        height, width = self.sizes.get(item.image, size)
        if height * width > MAX_PIXELS or height < 1 or width < 1:
            raise UserError(f"The annotations give {item.image} a size of {width}x{height}: correct it.")
        labels = np.zeros((height, width), np.uint8)
        values = {name: 255 if self.as_one else 1 + i for i, name in enumerate(self.wanted)}
        drawn = []
        for outline in self.outlines.get(item.image, ()):
            value = values.get(self.names[outline.category])
            if value is not None:
                inside = _pixels(outline, height, width, item.image)
                drawn.append((int(inside.sum()), value, inside))
        # Small things lie on large ones, so they are drawn last.
        for _, value, inside in sorted(drawn, key=lambda entry: -entry[0]):
            labels[inside] = value
        return [(f"{item.name}.png", rendering.encode(labels))]


def drawn_plan(
    layout: str, labels: Drawn, parts: Mapping[str, str], problems: Sequence[Problem], source: Source,
    more: str = "",
) -> Plan:  # fmt: skip
    """The plan for these outlines: the kinds that occur, as one foreground where they are just one, or
    more than can be told apart. `parts` are those that photos are in, `more` is said about it."""
    items = [
        Item(photo.rsplit("/", 1)[-1].rsplit(".", 1)[0], photo, (), parts.get(photo, ""))
        for photo in sorted(labels.outlines)
    ]
    used = {outline.category for outlines in labels.outlines.values() for outline in outlines}
    chosen = tuple(name for i, name in enumerate(labels.names) if i in used)
    count = sum(map(len, labels.outlines.values()))
    told = f"{len(items):,} photos with {count:,} outlines of {len(chosen):,} kinds.{more}"
    if len(chosen) > MAX_DRAWN:
        told += (
            f" That is more than the {MAX_DRAWN} that can be told apart: they are one foreground, or choose."
        )
    plain = labels.choosing(chosen, len(chosen) == 1 or len(chosen) > MAX_DRAWN)
    named = tuple(with_listed_parts(source, unique_names(items)))
    return Plan(layout, told, named, plain, (*source.problems, *problems))


def _pixels(outline: Outline, height: int, width: int, name: str) -> NDArray[np.bool_]:
    from pycocotools import mask as coco_masks

    shape = outline.shape
    try:
        if isinstance(shape, np.ndarray):
            shape = [(shape * np.tile([width, height], len(shape) // 2)).tolist()]
        if isinstance(shape, list):
            polygons = [[float(v) for v in p] for p in shape if len(p) >= 6 and len(p) % 2 == 0]
            if not polygons:
                return np.zeros((height, width), bool)
            _check_inside(polygons, height, width)
            code = coco_masks.merge(coco_masks.frPyObjects(polygons, height, width))
        else:
            if list(map(int, shape["size"])) != [height, width]:
                raise ValueError("sizes differ")
            runs = shape["counts"]
            if isinstance(runs, list):
                if sum(runs) != height * width or min(runs, default=0) < 0:
                    raise ValueError("run lengths do not fill the picture")
                code = coco_masks.frPyObjects({"size": [height, width], "counts": runs}, height, width)
            else:
                text = runs.encode() if isinstance(runs, str) else bytes(runs)
                code = {"size": [height, width], "counts": _whole_runs(text, height * width)}
        return np.asarray(coco_masks.decode(code), bool)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise UserError(f"An outline of {name} cannot be read ({error}): correct the annotations.") from error


def _check_inside(polygons: Sequence[Sequence[float]], height: int, width: int) -> None:
    """Raises ValueError where points lie far outside: they were drawn for a picture of another size."""
    for polygon in polygons:
        for points, side in ((polygon[0::2], width), (polygon[1::2], height)):
            if not -OVERSHOOT * side - 1 <= min(points) <= max(points) <= (1 + OVERSHOOT) * side + 1:
                raise ValueError(f"points lie outside of its {width}x{height} pixels")


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
    if sum(runs) != pixels:
        raise ValueError("run lengths do not fill the picture")
    return text
