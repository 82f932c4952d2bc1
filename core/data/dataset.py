"""A data set on disk: images/ and masks/ paired by file stem, and a split written down by name."""

import stat
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from core.data.classes import (
    ClassEncoding,
    LayersEncoding,
    MaskEncoding,
    encoding_from_dict,
    guess_classes,
    layers_encoding,
    one_foreground,
    with_palette,
)
from core.data.masks import BinaryEncoding
from core.data.pairing import Pair, Problem, find_pairs, find_root
from core.data.split_record import Split, SplitRecord
from core.data.tally import guess_encoding, palette_meaning
from core.data.value_range import Range, range_in
from core.errors import UserError
from core.system.formatting import plural
from core.system.workspace import read_json, write_json

SPLIT_SEED = 42  # not the training's seed: another training must not see these validation photos
DATASET_FILE = "dataset.json"
LAYOUT_PAINTED = "painted"  # of an origin: the masks are painted in the app


@dataclass(frozen=True, slots=True)
class DataFolder:
    """What `open_data` found. `problems` are files that cannot be used; `split` covers exactly `pairs`;
    `left_out` are photos that a person excluded, and `inverted` those whose masks are inverted, of the
    ones left out too."""

    root: Path
    name: str
    pairs: tuple[Pair, ...]
    encoding: MaskEncoding
    split: Split
    problems: tuple[Problem, ...] = ()
    about: dict[str, Any] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    inverted: tuple[str, ...] = ()

    @property
    def value_range(self) -> Range | None:
        """Which values are black and white in photos of more than 8 bits, where somebody decided."""
        return range_in(self.about)

    def pairs_of(self, split: str) -> list[Pair]:
        """The pairs of "train", "validation", "test" or "all", sorted by name."""
        if split == "all":
            return list(self.pairs)
        names = set(getattr(self.split, split))
        return [pair for pair in self.pairs if pair.name in names]

    def pair(self, name: str) -> Pair:
        """The pair of this name. Raises UserError when there is none any more."""
        for pair in self.pairs:
            if pair.name == name:
                return pair
        raise UserError(f"{name} is no longer in the data set.")


def open_data(root: Path, seed: int = SPLIT_SEED) -> DataFolder:
    """Find the pairs, the meaning of the masks and the split, from dataset.json or else from the files.

    Nothing is written; `write_down` does that. Raises UserError when fewer than two pairs are found.
    """
    root = find_root(Path(root))
    found = find_pairs(root)
    path = root / DATASET_FILE
    about = read_about(root) if path.is_file() else {}
    as_here = {unicodedata.normalize("NFC", pair.name): pair.name for pair in found.pairs}
    left_out = _names_in(about, "left_out", as_here)
    inverted = _names_in(about, "inverted", as_here)
    pairs, problems = _mended(found.pairs, left_out, inverted), found.problems
    values = range_in(about)
    if values:
        pairs = [replace(pair, value_range=values) for pair in pairs]
    if len(pairs) < 2:
        hint = f" First problem: {problems[0].sentence}" if problems else ""
        count = plural(len(pairs), "pair")
        raise UserError(f"{root.name} has {count} of photo and mask; at least two are needed.{hint}")
    if isinstance(about.get("mask_rule"), dict):
        encoding: MaskEncoding = encoding_from_dict(about["mask_rule"])
        if not encoding.palette:
            encoding = with_palette(encoding, palette_meaning([m for pair in pairs for m in pair.files[1:]]))
    elif found.layers:
        every = zip(*(pair.layers for pair in pairs), strict=True)
        encoding = layers_encoding([[p for p in layer if p] for layer in every], found.layers)
    else:
        encoding = guess_encoding([pair.mask for pair in pairs])
    names = [pair.name for pair in pairs]
    record = SplitRecord.from_dict(about).named(lambda name: _as_here(name, as_here))
    record = record.extended(names, seed, found.split_of)
    name = str(about.get("name") or root.name)
    about = {**about, "name": name, "mask_rule": encoding.to_dict(), **record.to_dict()}
    split = record.among(names)
    return DataFolder(
        root, name, tuple(pairs), encoding, split, tuple(problems), about,
        tuple(sorted(left_out)), tuple(sorted(inverted)),
    )  # fmt: skip


def read_about(root: Path) -> dict[str, Any]:
    """What dataset.json says. Raises UserError, with a way out, where it cannot be read."""
    return read_json(
        root / DATASET_FILE,
        "Put a copy of it back; or delete it, and the data set is read again: photos are split again and "
        "changes such as excluded photos are forgotten, so train new models on it.",
    )


def as_task(data: DataFolder, kind: str, void: int = -1, names: Sequence[str] = ()) -> DataFolder:
    """The same photos, their masks read as `kind` says: "auto" (as they are), "binary",
    "multiclass" or "multilabel".

    `void` is the mask value to ignore and `names` the classes', both for "multiclass". Raises
    UserError where the masks cannot be read so.
    """
    now = data.encoding.task
    if kind in ("auto", now.kind) and not (kind == "multiclass" and (names or void not in (-1, now.void))):
        return data
    if kind != "multilabel" and isinstance(data.encoding, LayersEncoding):
        raise UserError(
            f"{data.name} has a mask for each of several labels: train it as it is, for them all."
        )
    if kind == "binary" and isinstance(data.encoding, ClassEncoding):
        return replace(data, encoding=_all_but_background(data.encoding))
    if kind == "binary":
        return replace(data, encoding=guess_encoding([pair.mask for pair in data.pairs]))
    if kind == "multiclass":
        return replace(data, encoding=guess_classes([pair.mask for pair in data.pairs], void, names))
    raise UserError(
        f"{data.name} has one mask a photo, and several labels a pixel need one mask for each: "
        "put them into masks/FIRST LABEL/, masks/SECOND LABEL/ and so on."
    )


def may_hold_classes(root: Path) -> bool:
    """Whether the masks hold several values that could be classes. Raises UserError for no data set."""
    encoding = open_data(root).encoding
    return encoding.task.kind == "multiclass" or (isinstance(encoding, BinaryEncoding) and encoding.is_of_ids)


def write_down(data: DataFolder) -> bool:
    """Keep the split and the meaning of the masks in the folder's dataset.json, so that the same
    photos stay in validation for good. False where the folder is read-only; then the same split is
    made again each time, because it depends on the names alone."""
    if not data.root.stat().st_mode & stat.S_IWUSR:  # root could write all the same, and should not
        return False
    path = data.root / DATASET_FILE
    if path.is_file() and read_about(data.root) == data.about:
        return True
    try:
        write_json(path, data.about)
    except UserError:
        return False
    return True


def describe(name: str, encoding: MaskEncoding, split: Split) -> dict[str, Any]:
    """The content of a new data set's dataset.json."""
    return {
        "name": name,
        "mask_rule": encoding.to_dict(),
        "split": {
            "train": list(split.train),
            "validation": list(split.validation),
            "test": list(split.test),
        },
    }


def _all_but_background(encoding: ClassEncoding) -> BinaryEncoding:
    """Every class as foreground but the one whose mask value is 0, or else the first."""
    values = encoding.task.values
    background = values.index(0) if 0 in values else 0
    return one_foreground(encoding, [c for i, c in enumerate(encoding.task.classes) if i != background])


def _mended(pairs: Sequence[Pair], left_out: set[str], inverted: set[str]) -> list[Pair]:
    kept = [pair for pair in pairs if pair.name not in left_out]
    return (
        [replace(pair, inverted=True) if pair.name in inverted else pair for pair in kept]
        if inverted
        else kept
    )


def _names_in(about: dict[str, Any], key: str, as_here: Mapping[str, str]) -> set[str]:
    """A list of photos in dataset.json, as their files are called here: macOS takes letters apart."""
    names = about.get(key, [])
    if not isinstance(names, list):
        raise UserError(f"'{key}' in {DATASET_FILE} should be a list of file names: delete the file.")
    return {_as_here(name, as_here) for name in map(str, names)}


def _as_here(name: str, as_here: Mapping[str, str]) -> str:
    return as_here.get(unicodedata.normalize("NFC", name), name)
