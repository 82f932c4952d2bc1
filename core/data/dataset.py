"""A data set on disk: images/ and masks/ paired by file stem, and a split written down by name."""

import random
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.data.masks import MaskRule, guess_rule
from core.data.photos import MASK_SUFFIXES, PHOTO_SUFFIXES
from core.errors import UserError
from core.workspace import read_json, write_json

IMAGE_FOLDERS = ("images", "image", "imgs", "img", "photos")
MASK_FOLDERS = ("masks", "mask", "labels", "annotations", "segmentation")
MASK_ENDINGS = ("_mask", "-mask", "_seg", "_label", "_gt")
VALIDATION_SHARE = 0.2
SPLIT_SEED = 42  # not the training's seed: another training must not see these validation photos
DATASET_FILE = "dataset.json"


@dataclass(frozen=True, slots=True)
class Pair:
    """A photo and its mask. `name` is the photo's file name."""

    name: str
    image: Path
    mask: Path


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that cannot be used as it is, and why, in one sentence."""

    name: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Split:
    """Photo file names of the two parts, each sorted."""

    train: tuple[str, ...]
    validation: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DataFolder:
    """What `open_data` found. `problems` are files left out; `split` covers exactly `pairs`."""

    root: Path
    name: str
    pairs: tuple[Pair, ...]
    rule: MaskRule
    split: Split
    problems: tuple[Problem, ...] = ()
    about: dict[str, Any] = field(default_factory=dict)

    def part(self, part: str) -> list[Pair]:
        """The pairs of "train", "validation" or "all", sorted by name."""
        if part == "all":
            return list(self.pairs)
        names = set(self.split.train if part == "train" else self.split.validation)
        return [pair for pair in self.pairs if pair.name in names]


def find_root(folder: Path) -> Path:
    """The folder that holds images/ and masks/: this one or the only one below it that does.

    Raises UserError when there is none, or several.
    """
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}: give one that holds images/ and masks/.")
    if _subfolder(folder, IMAGE_FOLDERS) and _subfolder(folder, MASK_FOLDERS):
        return folder
    below = sorted(
        p for p in folder.rglob("*")
        if p.is_dir() and _subfolder(p, IMAGE_FOLDERS) and _subfolder(p, MASK_FOLDERS)
    )  # fmt: skip
    if len(below) == 1:
        return below[0]
    if below:
        names = ", ".join(str(p.relative_to(folder)) for p in below[:4])
        raise UserError(f"{folder.name} holds several data sets ({names}): name one of them.")
    raise UserError(
        f"{folder.name} holds no data set: put the photos into images/ and the masks, "
        "under the same file names, into masks/."
    )


def find_pairs(root: Path) -> tuple[list[Pair], list[Problem]]:
    """Pairs by file stem, sorted by photo name, and every file that found no partner."""
    image_folder, mask_folder = _subfolder(root, IMAGE_FOLDERS), _subfolder(root, MASK_FOLDERS)
    if image_folder is None or mask_folder is None:
        raise UserError(f"{root.name} needs an images/ and a masks/ folder.")
    problems: list[Problem] = []
    masks = _by_stem(mask_folder, MASK_SUFFIXES, _mask_stem, problems)
    images = _by_stem(image_folder, PHOTO_SUFFIXES, lambda stem: stem, problems)
    pairs = [Pair(image.name, image, masks[stem]) for stem, image in images.items() if stem in masks]
    problems += [
        Problem(image.name, f"{image.name} has no mask: add masks/{stem}.png.")
        for stem, image in images.items()
        if stem not in masks
    ]
    problems += [
        Problem(mask.name, f"masks/{mask.name} has no photo of the same name in images/.")
        for stem, mask in masks.items()
        if stem not in images
    ]
    return sorted(pairs, key=lambda pair: pair.name), problems


def open_data(root: Path, seed: int = SPLIT_SEED) -> DataFolder:
    """Find the pairs, the meaning of the masks and the split, as dataset.json has them or anew.

    Nothing is written; `write_down` does that. Raises UserError when fewer than two pairs are found.
    """
    root = find_root(Path(root))
    pairs, problems = find_pairs(root)
    if len(pairs) < 2:
        hint = f" First problem: {problems[0].sentence}" if problems else ""
        raise UserError(f"{root.name} has {len(pairs)} pairs of photo and mask; two are the least.{hint}")
    path = root / DATASET_FILE
    about = read_json(path) if path.is_file() else {}
    rule = (
        MaskRule.from_dict(about["mask_rule"])
        if isinstance(about.get("mask_rule"), dict)
        else guess_rule([pair.mask for pair in pairs])
    )
    split = extend_split(_split_in(about), [pair.name for pair in pairs], seed)
    name = str(about.get("name") or root.name)
    about = {**about, **describe(name, rule, split)}
    return DataFolder(root, name, tuple(pairs), rule, split, tuple(problems), about)


def write_down(data: DataFolder) -> bool:
    """Keep the split and the meaning of the masks in the folder's dataset.json, so that the same
    photos stay in validation for good. False where the folder is read-only; then the same split is
    dealt anew each time, because it depends on the names alone."""
    if not data.root.stat().st_mode & stat.S_IWUSR:  # root could write all the same, and should not
        return False
    path = data.root / DATASET_FILE
    try:
        if not path.is_file() or read_json(path) != data.about:
            write_json(path, data.about)
    except OSError:
        return False
    return True


def describe(name: str, rule: MaskRule, split: Split) -> dict[str, Any]:
    """The content of dataset.json."""
    return {
        "name": name,
        "mask_rule": rule.to_dict(),
        "split": {"train": list(split.train), "validation": list(split.validation)},
    }


def extend_split(split: Split, names: Iterable[str], seed: int) -> Split:
    """The same split for the names it knows; new names are dealt 80/20 after a seeded shuffle.

    Source of the ratio: the tutorial. Names that are gone are dropped; at least one name is in
    each part.
    """
    present = set(names)
    train = set(split.train) & present
    validation = set(split.validation) & present - train
    new = sorted(present - train - validation)
    random.Random(seed).shuffle(new)
    wanted = round(len(new) * VALIDATION_SHARE)
    if not validation:
        wanted = max(1, wanted)
    if not train:
        wanted = min(wanted, max(0, len(new) - 1))
    validation |= set(new[:wanted])
    train |= set(new[wanted:])
    return Split(tuple(sorted(train)), tuple(sorted(validation)))


def _split_in(about: dict[str, Any]) -> Split:
    parts = about.get("split", {})
    if not isinstance(parts, dict):
        parts = {}
    train, validation = parts.get("train", ()), parts.get("validation", ())
    if not isinstance(train, list | tuple) or not isinstance(validation, list | tuple):
        raise UserError("The split in dataset.json should be lists of file names: delete the file.")
    return Split(tuple(map(str, train)), tuple(map(str, validation)))


def _subfolder(root: Path, names: tuple[str, ...]) -> Path | None:
    found = {p.name.lower(): p for p in root.iterdir() if p.is_dir()}
    return next((found[name] for name in names if name in found), None)


def _mask_stem(stem: str) -> str:
    for ending in MASK_ENDINGS:
        if stem.lower().endswith(ending) and len(stem) > len(ending):
            return stem[: -len(ending)]
    return stem


def _by_stem(
    folder: Path, suffixes: frozenset[str], stem_of: Any, problems: list[Problem]
) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir(), key=lambda p: p.name):
        if path.name.startswith(".") or not path.is_file():
            continue
        if path.suffix.lower() not in suffixes:
            if path.name.lower() not in ("thumbs.db", "desktop.ini"):
                problems.append(Problem(path.name, f"{path.name} is no picture format that is read here."))
            continue
        stem = stem_of(path.stem)
        if stem in found:
            problems.append(
                Problem(path.name, f"{path.name} has the same stem as {found[stem].name}: rename one.")
            )
            continue
        found[stem] = path
    return found
