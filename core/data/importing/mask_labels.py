"""Where the pixels of a mask come from, when a picture is the mask."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from core.data.classes import ClassRule, LayersRule, Rule, one_foreground
from core.data.importing.plan import Item, MaskFile
from core.data.importing.sources import Source
from core.data.masks import MaskRule
from core.data.photos import open_picture, reading
from core.imaging import rendering
from core.task import Task

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class AsTheyAre:
    """Mask files are copied unchanged; `meaning` is what their values were taken to mean."""

    meaning: Rule
    every: ClassRule | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        return self.every.task.classes if self.every else ()

    def rule(self) -> Rule | None:
        return self.meaning

    def files(self, source: Source, item: Item, size: tuple[int, int]) -> list[MaskFile]:
        return [(item.name + PurePosixPath(item.masks[0]).suffix.lower(), source.read(item.masks[0]))]

    def choosing(self, names: tuple[str, ...], as_one: bool) -> "AsTheyAre":
        if self.every is None or as_one:
            if self.every is None or set(names) in (set(), set(self.every.task.classes)):
                return self
            return replace(self, meaning=one_foreground(self.every, names))
        return replace(self, meaning=self.every)


@dataclass(frozen=True, slots=True)
class Layered:
    """One mask file for each label, copied into a folder for each."""

    names: tuple[str, ...]
    inner: MaskRule

    @property
    def classes(self) -> tuple[str, ...]:
        return ()

    def rule(self) -> Rule | None:
        return LayersRule(Task("multilabel", self.names), self.inner)

    def files(self, source: Source, item: Item, size: tuple[int, int]) -> list[MaskFile]:
        return [
            (f"{label}/{item.name}{PurePosixPath(mask).suffix.lower()}", source.read(mask))
            for label, mask in zip(self.names, item.masks, strict=True)
            if mask
        ]

    def choosing(self, names: tuple[str, ...], as_one: bool) -> "Layered":
        return self


@dataclass(frozen=True, slots=True)
class Coloured:
    """Colours that are classes, rewritten as class indices. `table` names the colours."""

    table: dict[Colour, str]
    chosen: tuple[str, ...] = ()
    as_one: bool = False
    codes: dict[int, int] = field(init=False)  # colour as 0xRRGGBB -> value in the mask that is written

    def __post_init__(self) -> None:
        wanted = self.chosen or self.classes
        values = {name: self.classes.index(name) for name in wanted}
        as_one = dict.fromkeys(wanted, 255)
        known = as_one if self.as_one else values
        rest = 0 if self.as_one else 255
        codes = {colour_code(colour): known.get(name, rest) for colour, name in self.table.items()}
        object.__setattr__(self, "codes", codes)

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.table.values()))

    def rule(self) -> Rule | None:
        wanted = self.chosen or self.classes
        if self.as_one:
            return MaskRule(128, meaning=f"{', '.join(wanted)}: foreground, 255")
        return ClassRule(Task("multiclass", wanted, tuple(self.classes.index(n) for n in wanted), 255))

    def files(self, source: Source, item: Item, size: tuple[int, int]) -> list[MaskFile]:
        name = item.masks[0]
        picture = open_picture(source.read(name), name)
        with reading(name):
            rgb = np.asarray(picture.convert("RGB")).astype(np.int64)
        seen, inverse = np.unique(rgb @ np.array([65536, 256, 1]), return_inverse=True)
        values = np.array([self.codes.get(int(code), self._nearest(int(code))) for code in seen], np.uint8)
        labels = values[inverse].reshape(rgb.shape[:2])
        return [(f"{item.name}.png", rendering.encode(labels))]

    def choosing(self, names: tuple[str, ...], as_one: bool) -> "Coloured":
        return replace(self, chosen=tuple(n for n in self.classes if n in names), as_one=as_one)

    def _nearest(self, code: int) -> int:
        """The value of the closest known colour: edges that a lossy or resizing program has blended."""
        known = np.array(list(self.table), np.int64)
        own = np.array([code >> 16, code >> 8 & 255, code & 255])
        return self.codes[colour_code(tuple(known[((known - own) ** 2).sum(axis=1).argmin()]))]


def colour_code(colour: Sequence[int] | NDArray[np.int64]) -> int:
    return int(colour[0]) << 16 | int(colour[1]) << 8 | int(colour[2])


def colour_of(code: int) -> Colour:
    return code >> 16, code >> 8 & 255, code & 255
