"""Masks whose colours are classes: which colours are, and class indices made of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from core.data.classes import EVERYTHING, ClassEncoding, MaskEncoding, is_background
from core.data.importing.plan import Copying, Item, MaskFile, Outcome
from core.data.importing.sources import Source
from core.data.masks import VOID, BinaryEncoding
from core.data.photos import open_picture, reading
from core.errors import UserError
from core.imaging import rendering
from core.system.formatting import percent, plural
from core.task import MAX_CLASSES, Task

Colour = tuple[int, int, int]

MAX_SEEN = 4096  # colours of a set of masks; more are a picture, or blended all over
CLEAN = 64  # colours with an area in a mask that has been drawn; more have been left by compression
THIN = 8  # pixels a mask that lines of a class have at least; where three colours blend it is one or two
BLEND = 4.0  # levels from the line between two colours, within which a colour is a mixture of them
KNOWN_SHARE = 0.97  # of all pixels that classes have to cover, so that colours are classes


@dataclass(slots=True)
class Count:
    """Where a colour was seen. `is_area`: somewhere it covers more than a line."""

    pixels: int = 0
    masks: int = 0
    is_area: bool = False
    first: str = ""
    items: list[str] = field(default_factory=list)


class ColourCounts:
    """The colours of many masks, as 0xRRGGBB."""

    def __init__(self) -> None:
        self.seen: dict[int, Count] = {}
        self.pixels = 0

    def add(self, codes: NDArray[np.int64], mask: str, item: str = "", known: Iterable[int] = ()) -> None:
        """Count the colours of one mask (h, w), but for the known ones."""
        self.pixels += codes.size
        values, counts = _unique(codes)
        new = ~np.isin(values, list(known))
        if not new.any():
            return
        areas = set(_areas(codes)) & set(values[new].tolist())
        if len(self.seen) > MAX_SEEN:  # edges are blended all over: only areas are still told apart
            new &= np.isin(values, list(areas))
        for code, count in zip(values[new].tolist(), counts[new].tolist(), strict=True):
            entry = self.seen.setdefault(code, Count(first=mask))
            entry.pixels += count
            entry.masks += 1
            entry.is_area |= code in areas and len(areas) <= CLEAN
            entry.items.append(item)

    def classes(self, known: Iterable[int]) -> list[int]:
        """The colours that are classes beside the known ones, in order: those that cover an area, and thin
        ones that several masks share and that are no mixture of two others. Blended edges are neither."""
        found = {code for code, count in self.seen.items() if count.is_area}
        both = [colour_of(code) for code in {*found, *known}]
        thin = [
            code
            for code, count in self.seen.items()
            if code not in found and count.masks > 1 and count.pixels >= THIN * count.masks
        ]
        if len(both) <= MAX_CLASSES["multiclass"]:
            found |= {code for code in thin if not _is_mixture(colour_of(code), both)}
        return sorted(found - set(known))


@dataclass(frozen=True, slots=True)
class Coloured:
    """Colours that are classes, rewritten as class indices. `table` names the colours; `chosen` are the
    names that are wanted, () all."""

    table: Mapping[Colour, str]
    chosen: tuple[str, ...] = ()
    as_one: bool = False
    codes: dict[int, int] = field(init=False)  # colour as 0xRRGGBB -> value in the mask that is written

    def __post_init__(self) -> None:
        wanted = set(self.wanted)
        background = next(
            (i for i, name in enumerate(self.classes) if name in wanted and self._is_background(name)), VOID
        )
        values = {name: i if name in wanted else background for i, name in enumerate(self.classes)}
        if self.as_one:
            values = {name: 255 if name in wanted else 0 for name in self.classes}
        object.__setattr__(self, "codes", {colour_code(c): values[name] for c, name in self.table.items()})

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.table.values()))

    @property
    def wanted(self) -> tuple[str, ...]:
        """The names that count, without the background where they are one foreground."""
        names = self.chosen or self.classes
        return tuple(n for n in names if not self._is_background(n)) if self.as_one else names

    def encoding(self) -> MaskEncoding | None:
        if self.as_one:
            return BinaryEncoding(128, meaning=f"{', '.join(self.wanted)}: foreground, 255")
        values = tuple(self.classes.index(name) for name in self.wanted)
        return ClassEncoding(Task("multiclass", self.wanted, values, VOID))

    def choosing(self, names: tuple[str, ...], as_one: bool) -> "Coloured":
        kept = tuple(n for n in self.classes if n in names)
        changed = replace(self, chosen=kept if len(kept) < len(self.classes) else (), as_one=as_one)
        if as_one and (not changed.wanted or len(changed.wanted) == len(self.classes)):
            raise UserError(EVERYTHING)
        return changed

    def copying(self) -> Copying:
        return _ColourCopying(self)

    def files(self, source: Source, item: Item, size: tuple[int, int]) -> list[MaskFile]:
        return [self.file(item, _codes(source.read(item.masks[0]), item.masks[0]))]

    def file(self, item: Item, codes: NDArray[np.int64]) -> MaskFile:
        """A mask's colours (h, w), as 0xRRGGBB, as the file of class indices."""
        seen, inverse = np.unique(codes, return_inverse=True)
        values = np.array([self.codes.get(int(code), self._nearest(int(code))) for code in seen], np.uint8)
        return f"{item.name}.png", rendering.encode(values[inverse].reshape(codes.shape))

    def _nearest(self, code: int) -> int:
        """The value of the closest known colour: edges that a lossy or resizing program has blended."""
        known = np.array(list(self.table), np.int64)
        own = np.array(colour_of(code))
        return self.codes[colour_code(tuple(known[((known - own) ** 2).sum(axis=1).argmin()]))]

    def _is_background(self, name: str) -> bool:
        return is_background(name) or self.table.get((0, 0, 0)) == name == _unnamed(0)


class _ColourCopying(Copying):
    """Copies masks and counts the colours that are not in the table."""

    def __init__(self, labels: Coloured) -> None:
        super().__init__(labels)
        self._coloured = labels
        self._counts = ColourCounts()

    def files(self, source: Source, item: Item, size: tuple[int, int]) -> list[MaskFile]:
        codes = _codes(source.read(item.masks[0]), item.masks[0])
        self._counts.add(codes, item.masks[0], item.name, self._coloured.codes)
        return [self._coloured.file(item, codes)]

    def outcome(self) -> Outcome:
        new = self._counts.classes(self._coloured.codes)
        between = sum(count.pixels for code, count in self._counts.seen.items() if code not in new)
        share = between / max(1, self._counts.pixels)
        blended = (
            f"{percent(share, 2)} of the masks' pixels have a colour of no class, as blended edges do: "
            "each counts as the nearest class.",
        ) if between else ()  # fmt: skip
        if not new:
            return Outcome(self._coloured, notes=blended)
        table = {**self._coloured.table, **{colour_of(code): _unnamed(code) for code in new}}
        if len(set(table.values())) > MAX_CLASSES["multiclass"]:
            raise UserError(
                f"The masks hold {len(set(table.values())):,} colours, too many to be classes. Save them "
                "with one colour for each class, without blended edges."
            )
        labels = replace(self._coloured, table=table)
        counts = [self._counts.seen[code] for code in new]
        notes = tuple(
            f"The colour {_unnamed(code).split()[-1]} is in {plural(count.masks, 'mask')}, first in "
            f"{count.first}, and was not seen at first: {_fate(labels, _unnamed(code))}."
            for code, count in zip(new, counts, strict=True)
        )
        return Outcome(
            labels, frozenset(name for count in counts for name in count.items), (*notes, *blended)
        )


def _fate(labels: Coloured, name: str) -> str:
    if name in labels.wanted:
        return f"it is foreground, as '{name}'" if labels.as_one else f"it is a class of its own, '{name}'"
    value = labels.codes[int(name.rsplit("#", maxsplit=1)[-1], 16)]
    return "it is none of the chosen classes and ignored" if value == VOID else "it counts as background"


def coloured(masks: Iterable[tuple[str, bytes]], named: Mapping[Colour, str]) -> Coloured | None:
    """What the colours of these masks, (name, content), mean, if they are classes. `named` are colours
    that the source has names for."""
    counts = ColourCounts()
    for name, content in masks:
        try:
            codes = colour_codes(content, name)
        except UserError:
            continue  # named when it is imported
        if codes is None:
            return None
        counts.add(codes, name)
    return from_counts(counts, named)


def from_counts(counts: ColourCounts, named: Mapping[Colour, str]) -> Coloured | None:
    """Colours are classes where there are two beside black, one of them no grey, and hardly anything else;
    or where all have names. A single named one beside a background is one foreground of that name."""
    if len(counts.seen) > MAX_SEEN:
        return None
    named_codes = {colour_code(colour) for colour in named}
    strong = sorted({*counts.classes(named_codes), *(named_codes & set(counts.seen))})
    no_grey = [code for code in strong if len(set(colour_of(code))) > 1]
    covered = sum(counts.seen[code].pixels for code in strong)
    beside_black = set(strong) - {0}
    are_named = bool(beside_black) and beside_black <= named_codes
    if not (are_named or (no_grey and len(beside_black) >= 2)) or covered < KNOWN_SHARE * counts.pixels:
        return None
    table = {colour_of(code): named.get(colour_of(code), _unnamed(code)) for code in strong}
    found = Coloured({**table, **{c: n for c, n in named.items() if c not in table}})
    if not are_named:
        return found
    as_one = replace(found, as_one=True)
    if len(as_one.wanted) == 1:
        return as_one if len(found.classes) > 1 else None
    return found


def colour_codes(content: bytes, name: str) -> NDArray[np.int64] | None:
    """A mask's colours as 0xRRGGBB (h, w); None where its kind of file holds no colours."""
    picture = open_picture(content, name)
    return _codes(content, name) if picture.mode in ("RGB", "RGBA") else None


def _codes(content: bytes, name: str) -> NDArray[np.int64]:
    picture = open_picture(content, name)
    with reading(name):
        rgb = np.asarray(picture.convert("RGB")).astype(np.int64)
    return np.asarray(rgb[..., 0] << 16 | rgb[..., 1] << 8 | rgb[..., 2])


def _unique(codes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    values, counts = np.unique(codes, return_counts=True)
    return values, counts


def _areas(codes: NDArray[np.int64]) -> list[int]:
    """The colours that some pixel shares with its four neighbours."""
    inner = codes[1:-1, 1:-1]
    alike = (inner == codes[:-2, 1:-1]) & (inner == codes[2:, 1:-1])
    alike &= (inner == codes[1:-1, :-2]) & (inner == codes[1:-1, 2:])
    return [int(code) for code in np.unique(inner[alike])]


def _is_mixture(colour: Colour, others: Sequence[Colour]) -> bool:
    """Whether a colour lies on the line between two others."""
    if len(others) < 2:
        return False
    ends = np.array(list(combinations(others, 2)), np.float64)
    start, way = ends[:, 0], ends[:, 1] - ends[:, 0]
    own = np.array(colour, np.float64) - start
    share = np.clip((own * way).sum(1) / np.maximum((way**2).sum(1), 1e-9), 0, 1)
    return bool((np.abs(own - share[:, None] * way).max(1) <= BLEND).any())


def _unnamed(code: int) -> str:
    return f"colour #{code:06x}"


def colour_code(colour: Sequence[int] | NDArray[np.int64]) -> int:
    return int(colour[0]) << 16 | int(colour[1]) << 8 | int(colour[2])


def colour_of(code: int) -> Colour:
    return code >> 16, code >> 8 & 255, code & 255
