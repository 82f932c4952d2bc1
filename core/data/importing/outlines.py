"""The masks that are drawn of outlines, where an annotation file gives numbers and no picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.data.classes import ClassEncoding, MaskEncoding
from core.data.importing.names import unique_names
from core.data.importing.plan import Copying, Item, MaskFile, Plan
from core.data.importing.shapes import Outline
from core.data.importing.side_files import with_listed_splits
from core.data.importing.sources import Source
from core.data.masks import BinaryEncoding
from core.data.pairing import Problem
from core.data.photos import MAX_PIXELS
from core.errors import UserError
from core.imaging import rendering
from core.task import MAX_CLASSES, Task

BACKGROUND = "background"
MAX_DRAWN = MAX_CLASSES["multiclass"] - 1  # kinds that can be told apart beside the background
UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, UserError, ValueError)


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

    def encoding(self) -> MaskEncoding | None:
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
        values = {name: 255 if self.as_one else 1 + i for i, name in enumerate(self.wanted)}
        wanted = [o for o in self.outlines.get(item.image, ()) if self.names[o.category] in values]
        labels = np.zeros((height, width), np.uint8)
        if len({values[self.names[o.category]] for o in wanted}) < 2:
            for outline in wanted:
                labels[_inside(outline, height, width, item.image)] = values[self.names[outline.category]]
            return [(f"{item.name}.png", rendering.encode(labels))]
        # One array of ranks, not one of each outline: a photo of 64 megapixels may have a thousand.
        levels = {order: level for level, order in enumerate(sorted({o.order for o in wanted}))}
        ranks = np.full((height, width), -np.inf)
        for outline in wanted:
            inside = _inside(outline, height, width, item.image)
            rank = levels[outline.order] - np.count_nonzero(inside) / (inside.size + 1)
            inside &= ranks <= rank
            labels[inside], ranks[inside] = values[self.names[outline.category]], rank
        return [(f"{item.name}.png", rendering.encode(labels))]


def drawn_plan(
    layout: str, labels: Drawn, splits: Mapping[str, str], problems: Sequence[Problem], source: Source,
    more: str = "",
) -> Plan:  # fmt: skip
    """The plan for these outlines: the kinds that occur, as one foreground where they are just one, or
    more than can be told apart. `splits` are those that photos are in, `more` is said about it."""
    items = [
        Item(photo.rsplit("/", 1)[-1].rsplit(".", 1)[0], photo, (), splits.get(photo, ""))
        for photo in sorted(labels.outlines)
    ]
    used = {outline.category for outlines in labels.outlines.values() for outline in outlines}
    chosen = tuple(name for i, name in enumerate(labels.names) if i in used)
    count = sum(map(len, labels.outlines.values()))
    summary = f"{len(items):,} photos with {count:,} outlines of {len(chosen):,} kinds.{more}"
    if len(chosen) > MAX_DRAWN:
        summary += (
            f" That is more than the {MAX_DRAWN} that can be told apart: they are one foreground, or choose."
        )
    plain = labels.choosing(chosen, len(chosen) == 1 or len(chosen) > MAX_DRAWN)
    named = tuple(with_listed_splits(source, unique_names(items)))
    return Plan(layout, summary, named, plain, (*source.problems, *problems))


def _inside(outline: Outline, height: int, width: int, name: str) -> NDArray[np.bool_]:
    try:
        return outline.shape.inside(height, width)
    except UNREADABLE as error:
        raise UserError(f"An outline of {name} cannot be read ({error}): correct the annotations.") from error
