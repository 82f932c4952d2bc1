"""Which mask belongs to which photo: files found, paired by stem, and named when they have no partner."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from core.data.photos import MASK_SUFFIXES, PHOTO_SUFFIXES
from core.data.value_range import Range
from core.errors import UserError
from core.policy.folders import require_folder
from core.system.file_names import is_unicode, shown

IMAGE_FOLDERS = ("images", "image", "imgs", "img", "photos")
MASK_FOLDERS = ("masks", "mask", "labels", "annotations", "segmentation")
MASK_ENDINGS = ("_mask", "-mask", "_seg", "_label", "_gt")
TRAIN_FOLDERS = ("train", "training")
VALIDATION_FOLDERS = ("val", "valid", "validation")
TEST_FOLDERS = ("test", "testing")


@dataclass(frozen=True, slots=True)
class Pair:
    """A photo and its mask. `name` is the photo's file name, with its split's folder where there are splits.

    `layers` are the mask files of each label, where every label has a file of its own; None where a
    photo has none of that label. `mask` is then the first of them. `inverted`: the mask marks what
    is not foreground. `value_range`: see core.data.value_range.
    """

    name: str
    image: Path
    mask: Path
    layers: tuple[Path | None, ...] = ()
    inverted: bool = False
    value_range: Range | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """The photo and every mask file."""
        return (self.image, *(layer for layer in self.layers if layer)) if self.layers else (
            self.image, self.mask,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that cannot be used as it is, and why, in one sentence. `is_alone`: a photo has no mask, or
    a mask no photo."""

    name: str
    sentence: str
    is_alone: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What lies in a data set's folder. `layers` are the names of the labels that have a folder of
    masks each; `split_of` says "train", "validation" or "test" of photos whose folder does."""

    pairs: list[Pair]
    problems: list[Problem]
    layers: tuple[str, ...] = ()
    split_of: dict[str, str] = field(default_factory=dict)


def find_root(folder: Path) -> Path:
    """The folder that holds images/ and masks/, or train/ and val/ with these in them: this one or
    the only one below it that does.

    Raises UserError when there is none, or several, or the current person may not open it.
    """
    require_folder(folder)
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}: give one that holds images/ and masks/.")
    if _holds_pairs(folder) or _splits(folder):
        return folder
    below = sorted(
        p for p in folder.rglob("*")
        if p.is_dir() and _holds_pairs(p)
    )  # fmt: skip
    if len(below) == 1:
        return below[0]
    with_splits = {p.parent for p in below if _splits(p.parent)}
    if len(with_splits) == 1 and all(p.parent in with_splits for p in below):
        return with_splits.pop()
    if below:
        names = ", ".join(str(p.relative_to(folder)) for p in below[:4])
        raise UserError(f"{folder.name} holds several data sets ({names}): name one of them.")
    raise UserError(
        f"{folder.name} holds no data set: put the photos into images/ and the masks, "
        "under the same file names, into masks/. Other layouts can be imported on the Data page "
        "or with `python -m core data import`."
    )


def find_pairs(root: Path) -> Found:
    """Pairs by file stem, sorted by photo name, and every file that found no partner.

    Masks may lie in a folder for each label, masks/dog/001.png beside masks/cat/001.png.
    """
    splits = _splits(root)
    if not splits:
        pairs, problems, layers = _pairs_in(root, "")
        return Found(pairs, problems, layers)
    found = Found([], [])
    for folder, split in splits:
        pairs, problems, layers = _pairs_in(folder, f"{folder.name}/")
        found.pairs.extend(pairs)
        found.problems.extend(problems)
        found = replace(found, layers=layers or found.layers)
        found.split_of.update((pair.name, split) for pair in pairs)
    if "validation" in found.split_of.values():
        return found
    # Without photos for validation, some of those in train/ have to be.
    return replace(found, split_of={name: split for name, split in found.split_of.items() if split == "test"})


def _pairs_in(root: Path, prefix: str) -> tuple[list[Pair], list[Problem], tuple[str, ...]]:
    image_folder, mask_folder = _subfolder(root, IMAGE_FOLDERS), _subfolder(root, MASK_FOLDERS)
    if image_folder is None or mask_folder is None:
        raise UserError(f"{root.name} needs an images/ and a masks/ folder.")
    problems: list[Problem] = []
    images = by_stem(image_folder, PHOTO_SUFFIXES, problems)
    folders = _layer_folders(mask_folder)
    layers = [masks_of(images, folder, problems) for folder in folders or [mask_folder]]
    masks = {stem: path for layer in reversed(layers) for stem, path in layer.items()}
    pairs = [
        Pair(
            prefix + image.name,
            image,
            masks[stem],
            tuple(layer.get(stem) for layer in layers) if folders else (),
        )
        for stem, image in images.items()
        if stem in masks
    ]
    problems += [
        Problem(image.name, f"{image.name} has no mask: add masks/{image.stem}.png.", is_alone=True)
        for stem, image in images.items()
        if stem not in masks
    ]
    names = tuple(folder.name for folder in folders)
    return sorted(pairs, key=lambda pair: pair.name), problems, names


def masks_of(images: Mapping[str, Path], folder: Path, problems: list[Problem]) -> dict[str, Path]:
    """The masks in a folder by their photos' stems: the very stem first, then what is left without
    its ending. A photo may be called cat_mask.jpg too."""
    masks = by_stem(folder, MASK_SUFFIXES, problems)
    exact = {stem: stem for stem in masks if stem in images}
    ended = {stem: bare for stem in masks if (bare := _mask_stem(stem)) != stem and bare in images}
    # Beside cat.jpg and cat_mask.jpg, cat_mask.png is the mask of either: how most are named says whose.
    owners = {**exact, **ended} if len(ended) > len(exact) else {**ended, **exact}
    found: dict[str, Path] = {}
    for stem, path in sorted(masks.items(), key=lambda entry: owners.get(entry[0]) != entry[0]):
        bare = owners.get(stem, stem)
        if bare not in images:
            problems.append(
                Problem(
                    path.name, f"masks/{path.name} has no photo of the same name in images/.", is_alone=True
                )
            )
        elif bare in found:
            problems.append(
                Problem(
                    path.name, f"{path.name} is a second mask of the photo of {found[bare].name}: rename one."
                )
            )
        else:
            found[bare] = path
    return found


def _holds_pairs(folder: Path) -> bool:
    return bool(_subfolder(folder, IMAGE_FOLDERS) and _subfolder(folder, MASK_FOLDERS))


def _splits(root: Path) -> list[tuple[Path, str]]:
    """train/, and val/ or test/ or both, where they hold pairs; each with its split."""
    if _holds_pairs(root):
        return []
    named = (
        (_subfolder(root, TRAIN_FOLDERS), "train"),
        (_subfolder(root, VALIDATION_FOLDERS), "validation"),
        (_subfolder(root, TEST_FOLDERS), "test"),
    )
    found = [(folder, split) for folder, split in named if folder and _holds_pairs(folder)]
    return found if len(found) > 1 and found[0][1] == "train" else []


def _layer_folders(mask_folder: Path) -> list[Path]:
    """One folder for each label, where masks/ holds folders instead of files."""
    entries = [p for p in mask_folder.iterdir() if not p.name.startswith(".")]
    if not entries or any(p.is_file() and p.suffix.lower() in MASK_SUFFIXES for p in entries):
        return []
    return sorted((p for p in entries if p.is_dir()), key=lambda p: p.name)


def _subfolder(root: Path, names: tuple[str, ...]) -> Path | None:
    found = {p.name.lower(): p for p in root.iterdir() if p.is_dir()}
    return next((found[name] for name in names if name in found), None)


def _mask_stem(stem: str) -> str:
    for ending in MASK_ENDINGS:
        if stem.lower().endswith(ending) and len(stem) > len(ending):
            return stem[: -len(ending)]
    return stem


def by_stem(folder: Path, suffixes: frozenset[str], problems: list[Problem]) -> dict[str, Path]:
    """The pictures of a folder by their stems, letters composed (NFC): macOS takes them apart."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir(), key=lambda p: p.name):
        if path.name.startswith(".") or not path.is_file():
            continue
        if not is_unicode(path.name):
            name = shown(path.name)
            problems.append(Problem(name, f"The name of {name} is not valid text: rename the file."))
            continue
        if path.suffix.lower() not in suffixes:
            if path.name.lower() not in ("thumbs.db", "desktop.ini"):
                problems.append(
                    Problem(path.name, f"{path.name} is not in a picture format that can be read.")
                )
            continue
        stem = unicodedata.normalize("NFC", path.stem)
        if stem in found:
            problems.append(
                Problem(path.name, f"{path.name} has the same stem as {found[stem].name}: rename one.")
            )
            continue
        found[stem] = path
    return found
