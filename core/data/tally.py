"""What many mask files hold: how many pixels have which value, and what that most probably means."""

import contextlib
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.masks import LOSSY_SUFFIXES, BinaryEncoding, encoding_for_values, raw_values
from core.data.palettes import Entry, Palette, is_voc, meaning_of, used_entries, value_of
from core.data.photos import Source, label_of, open_picture, reading
from core.errors import UserError
from core.system import workspace
from core.system.parallel import all_cores
from core.system.workspace import read_json, write_json

SAMPLED_MASKS = 400  # enough to see every common value, few enough to take seconds on 50,000 files
COUNTED_QUICKLY = 2**16  # values below this are counted without sorting the pixels
MAX_VALUES = 2**16  # instance ids, or noise: more of them say nothing more


@dataclass(slots=True)
class Tally:
    """How many pixels of many masks have which value, or which entry of a palette."""

    plain: Counter[int] = field(default_factory=Counter)
    entries: Counter[Entry] = field(default_factory=Counter)
    has_voc: bool = False

    @property
    def palette(self) -> Palette:
        return meaning_of(self.entries, self.has_voc)

    def counts(self, palette: Palette = "") -> Counter[int]:
        """Pixels of each value, palettes read as this says, or as all of them together mean."""
        found, palette = Counter(self.plain), palette or self.palette
        for entry, pixels in self.entries.items():
            found[value_of(entry, palette)] += pixels
        return found

    def add(self, other: "Tally") -> None:
        """Add what another mask holds; from MAX_VALUES on without values that were not there yet."""
        is_full = len(self.plain) >= MAX_VALUES
        self.plain.update({v: n for v, n in other.plain.items() if not is_full or v in self.plain})
        self.entries.update(other.entries)
        self.has_voc |= other.has_voc


def tally_of(source: Source, name: str = "") -> Tally:
    """What one mask file holds. Raises UserError when it cannot be read."""
    label = label_of(source, name)
    picture = open_picture(source, label)
    with reading(label):
        if picture.mode == "P":
            return Tally(entries=Counter(used_entries(picture)), has_voc=is_voc(picture))
        return Tally(_counted(raw_values(picture, "", label)))


def sampled_tally(files: Sequence[Source]) -> Tally:
    """What a sample of these mask files holds. Unreadable ones are passed over."""
    return _together(files[:: max(1, len(files) // SAMPLED_MASKS)])


def whole_tally(files: Sequence[Path]) -> Tally:
    """What all of these mask files hold, kept until one of them changes. Unreadable ones are passed over.

    About a millisecond of one core for a mask of 256 x 256 pixels; found again, a stat of each file.
    """
    kept = workspace.cache() / "tallies" / f"{_fingerprint(files)}.json"
    if kept.is_file():
        with contextlib.suppress(UserError, LookupError, TypeError, ValueError):  # damaged: counted again
            return _from_json(read_json(kept))
    found = _together(files)
    with contextlib.suppress(OSError, UserError):  # a cache that cannot be written costs time alone
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_json(kept, _to_json(found))
    return found


def guess_encoding(paths: Sequence[Path]) -> BinaryEncoding:
    """What the values in these mask files most probably mean, by a sample. Unreadable ones do not count."""
    lossy = any(p.suffix.lower() in LOSSY_SUFFIXES for p in paths)
    found = sampled_tally(paths)
    return replace(encoding_for_values(found.counts(), lossy), palette=found.palette)


def value_counts(files: Sequence[Source]) -> Counter[int]:
    """How many pixels have which value, over a sample of these files. Unreadable ones are passed over."""
    return sampled_tally(files).counts()


def palette_meaning(files: Sequence[Source]) -> Palette:
    """What the palettes of these mask files mean together, by a sample."""
    with all_cores() as pool:
        found = list(pool.map(_entries_of, files[:: max(1, len(files) // SAMPLED_MASKS)]))
    return meaning_of({e for one in found for e in one.entries}, any(one.has_voc for one in found))


def _together(files: Sequence[Source]) -> Tally:
    found = Tally()
    with all_cores() as pool:
        for one in pool.map(_tally_or_nothing, files):
            found.add(one)
    return found


def _tally_or_nothing(source: Source) -> Tally:
    try:
        return tally_of(source)
    except UserError:
        return Tally()


def _entries_of(source: Source) -> Tally:
    """The entries of a mask's palette that have pixels; none where it has no palette or cannot be read."""
    try:
        has_palette = open_picture(source).mode == "P"
    except UserError:
        return Tally()
    return _tally_or_nothing(source) if has_palette else Tally()


def _counted(values: NDArray[np.int32]) -> Counter[int]:
    """How many pixels of a mask (height, width) have which value."""
    if values.min() >= 0 and values.max() < COUNTED_QUICKLY:
        pixels = np.bincount(values.ravel())
        return Counter({int(value): int(pixels[value]) for value in np.flatnonzero(pixels)})
    unique, times = np.unique(values, return_counts=True)
    return Counter(dict(zip(unique.tolist(), times.tolist(), strict=True)))


def _fingerprint(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        with contextlib.suppress(OSError):
            stat = path.stat()
            digest.update(f"{path}\0{stat.st_size} {stat.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:32]


def _to_json(tally: Tally) -> dict[str, Any]:
    entries = [[*entry, pixels] for entry, pixels in tally.entries.items()]
    return {"plain": list(tally.plain.items()), "entries": entries, "has_voc": tally.has_voc}


def _from_json(kept: dict[str, Any]) -> Tally:
    return Tally(
        Counter({int(value): int(pixels) for value, pixels in kept["plain"]}),
        Counter({(int(i), int(colour)): int(pixels) for i, colour, pixels in kept["entries"]}),
        bool(kept["has_voc"]),
    )
