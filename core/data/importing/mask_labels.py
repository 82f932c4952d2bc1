"""Where the pixels of a mask come from, when a picture is the mask."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

import numpy as np

from core.data.classes import (
    ClassEncoding,
    LayersEncoding,
    MaskEncoding,
    chosen_classes,
    chosen_foreground,
    classes_for_values,
    with_palette,
)
from core.data.importing.colours import ColourCounts, colour_codes, from_counts
from core.data.importing.plan import Copying, Item, MaskFile, Outcome
from core.data.importing.sources import Source
from core.data.masks import LOSSY_SUFFIXES, VOID, encoding_for_values
from core.data.palettes import Palette, value_of
from core.data.tally import Tally, tally_of
from core.errors import UserError
from core.system.formatting import plural
from core.task import Task

VOC_CLASSES = ("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair",
               "cow", "dining table", "dog", "horse", "motorbike", "person", "potted plant", "sheep", "sofa",
               "train", "tv monitor")  # fmt: skip
# Source: http://host.robots.ox.ac.uk/pascal/VOC/voc2012/#devkit

NAMED_NOTES = 20  # values that a note is written for
MEANINGS: tuple[Palette, ...] = ("grey", "index", "colour")
HELD = {"none": "nothing", "grey": "grey levels", "index": "class indices", "colour": "one foreground"}


@dataclass(frozen=True, slots=True)
class AsTheyAre:
    """Mask files are copied unchanged; what their values mean follows from `counts`, pixels of each.

    `names` are those of the values 0, 1, 2 … where the source has such; `known` is what its own
    dataset.json says. `chosen` are classes that are wanted, () all, and `as_one` whether they are one
    foreground; None: as the values most probably mean. `palette` is how `counts` read palettes, and
    `are_classes` says that values without names are classes and not instances.
    """

    counts: Mapping[int, int]
    names: tuple[str, ...] = ()
    is_lossy: bool = False
    is_voc: bool = False
    known: MaskEncoding | None = None
    chosen: tuple[str, ...] = ()
    as_one: bool | None = None
    palette: Palette = ""
    are_classes: bool = False

    @property
    def every(self) -> ClassEncoding | None:
        """All classes, where the values can be classes."""
        if self.known is not None:
            return self.known if isinstance(self.known, ClassEncoding) else None
        if not encoding_for_values(self.counts, self.is_lossy).is_of_ids:
            return None
        names = self._class_names()
        void = VOID if VOID in self.counts else -1
        beyond = tuple(v for v in sorted(self.counts) if v >= len(names) and v != void) if names else ()
        try:
            encoding = replace(classes_for_values(self.counts, void, names), palette=self.palette)
            if not beyond:
                return encoding
            task = encoding.task
            more = tuple(f"class {value}" for value in beyond)
            task = replace(task, classes=(*task.classes, *more), values=(*task.values, *beyond))
            return replace(encoding, task=task)
        except UserError:
            return None

    @property
    def classes(self) -> tuple[str, ...]:
        every = self.every
        return every.task.classes if every else ()

    def encoding(self) -> MaskEncoding | None:
        every = self.every
        plain = self.known or replace(encoding_for_values(self.counts, self.is_lossy), palette=self.palette)
        if every is None:
            if self.as_one is not None and self.chosen:
                raise UserError(
                    "The masks hold more values than can be classes: import them as one foreground."
                )
            return plain
        if self.as_one is None:
            return every if self._class_names() or self.are_classes else plain
        if self.as_one:
            return chosen_foreground(every, self.chosen)
        return chosen_classes(every, self.chosen) if self.chosen else every

    def choosing(self, names: tuple[str, ...], as_one: bool) -> "AsTheyAre":
        if self.every is None:
            return self
        kept = tuple(n for n in self.classes if n in names)
        changed = replace(self, chosen=kept if len(kept) < len(self.classes) else (), as_one=as_one)
        changed.encoding()  # raises where it cannot be
        return changed

    def copying(self) -> Copying:
        return _CountingCopying(self)

    def files(self, source: Source, item: Item, size: tuple[int, int]) -> list[MaskFile]:
        return [(item.name + PurePosixPath(item.masks[0]).suffix.lower(), source.read(item.masks[0]))]

    def _class_names(self) -> tuple[str, ...]:
        if self.is_voc and max((v for v in self.counts if v != VOID), default=0) < len(VOC_CLASSES):
            return VOC_CLASSES
        return self.names


@dataclass(frozen=True, slots=True)
class Layered:
    """One mask file for each label, copied into a folder for each."""

    names: tuple[str, ...]
    counts: Mapping[int, int]
    is_lossy: bool = False
    palette: Palette = ""

    @property
    def classes(self) -> tuple[str, ...]:
        return ()

    def encoding(self) -> MaskEncoding | None:
        encoding = replace(encoding_for_values(self.counts, self.is_lossy), palette=self.palette)
        return LayersEncoding(Task("multilabel", self.names), encoding)

    def files(self, source: Source, item: Item, size: tuple[int, int]) -> list[MaskFile]:
        return [
            (f"{label}/{item.name}{PurePosixPath(mask).suffix.lower()}", source.read(mask))
            for label, mask in zip(self.names, item.masks, strict=True)
            if mask
        ]

    def choosing(self, names: tuple[str, ...], as_one: bool) -> "Layered":
        return self

    def copying(self) -> Copying:
        return _CountingCopying(self)


@dataclass(slots=True)
class _Seen:
    masks: int = 0
    first: str = ""


@dataclass(slots=True)
class _Values:
    """The values of many masks, and the colours of those that have any.

    `seen` has the values of masks with a palette three times, as each meaning of the palette reads them,
    because only the whole set tells which holds.
    """

    tally: Tally = field(default_factory=Tally)
    seen: dict[tuple[Palette, int], _Seen] = field(default_factory=dict)
    colours: ColourCounts = field(default_factory=ColourCounts)
    is_all_coloured: bool = True

    def add(self, one: Tally, content: bytes, name: str, item: str) -> None:
        """Count one mask. Raises UserError where it cannot be read."""
        codes = colour_codes(content, name) if self.is_all_coloured and not is_lossy(name) else None
        self.is_all_coloured = codes is not None
        if codes is not None:
            self.colours.add(codes, name, item)
        self.tally.add(one)
        plain = sorted(value for value in one.plain if value in self.tally.plain)
        read = {(meaning, value_of(entry, meaning)) for entry in one.entries for meaning in MEANINGS}
        for key in [*(("", value) for value in plain), *sorted(read)]:
            entry = self.seen.setdefault(key, _Seen(first=name))
            entry.masks += 1

    def by_value(self, palette: Palette) -> dict[int, _Seen]:
        """Where each value was seen, palettes read as this says."""
        found: dict[int, _Seen] = {}
        for (meaning, value), seen in self.seen.items():
            if meaning in ("", palette):
                found.setdefault(value, _Seen(first=seen.first)).masks += seen.masks
        return found


class _CountingCopying(Copying):
    """Copies masks as they are and counts what values they hold."""

    def __init__(self, labels: AsTheyAre | Layered) -> None:
        super().__init__(labels)
        self._plain = labels
        self._values = _Values()
        self._items: list[str] = []

    def files(self, source: Source, item: Item, size: tuple[int, int]) -> list[MaskFile]:
        files = super().files(source, item, size)
        masks = [mask for mask in item.masks if mask]
        # All are read before any counts: a pair with a damaged mask is left out of the data set.
        tallies = [tally_of(content, mask) for (_, content), mask in zip(files, masks, strict=True)]
        for one, (_, content), mask in zip(tallies, files, masks, strict=True):
            self._values.add(one, content, mask, item.name)
        self._items.append(item.name)
        return files

    def outcome(self) -> Outcome:
        labels, tally = self._plain, self._values.tally
        if isinstance(labels, Layered):
            return Outcome(replace(labels, counts=tally.counts(), palette=tally.palette))
        if labels.known is None and self._values.is_all_coloured:
            of_colours = from_counts(self._values.colours, {})
            if of_colours is not None:
                count = len(of_colours.classes)
                note = f"The masks have {count} colours, which were not all seen at first: each is a class."
                return Outcome(of_colours, frozenset(self._items), (note,))
        palette, known = tally.palette, labels.known
        if known is not None:
            palette = palette if known.palette in ("", "none") else known.palette
            known = with_palette(known, palette)
        whole = replace(labels, counts=tally.counts(palette), palette=palette, known=known)
        missing = set(labels.chosen) - set(whole.classes)
        if missing:
            raise UserError(
                f"'{min(missing)}' is not a class of these masks, now that all of them have been read: they "
                f"hold {', '.join(whole.classes) or 'one foreground'}. Choose the classes again."
            )
        return Outcome(whole, notes=tuple(_notes(labels, whole, self._values.by_value(palette))))


def is_lossy(name: str) -> bool:
    """Whether a mask's file does not keep values as they were."""
    return PurePosixPath(name).suffix.lower() in LOSSY_SUFFIXES


def _notes(before: AsTheyAre, whole: AsTheyAre, seen: Mapping[int, _Seen]) -> list[str]:
    """How the values count that the sample did not show, and those that are no class."""
    encoding = whole.encoding()
    if encoding is None or whole.every is None:
        return []
    if before.known is None and before.palette != whole.palette:
        return [f"The palettes of the masks hold {HELD[whole.palette]}, which the first ones did not show."]
    expected = set(before.counts)
    if isinstance(before.known, ClassEncoding):
        merged = (value for value, _ in before.known.merged)
        expected = {*before.known.task.values, *merged, *before.known.ignored}
    void = whole.every.task.void
    new = [value for value in sorted(seen) if value not in expected and value != void]
    notes = [
        f"The value {value} is in {plural(seen[value].masks, 'mask')}, first in {seen[value].first}, and "
        f"was not expected: {_fate(encoding, value)}."
        for value in new[:NAMED_NOTES]
    ]
    return notes + (
        [f"{len(new) - NAMED_NOTES:,} more values were not expected."] if len(new) > NAMED_NOTES else []
    )


def _fate(encoding: MaskEncoding, value: int) -> str:
    label = int(encoding.labels(np.array([[value]], np.int32))[0, 0])
    if label == VOID:
        return "it is none of the classes and ignored"
    if isinstance(encoding, ClassEncoding):
        return f"it counts as '{encoding.task.classes[label]}'"
    return "it is foreground" if label else "it is background"
