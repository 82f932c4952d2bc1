"""What the names of folders and files say: photo or mask, which split, which photo."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import PurePosixPath

from core.data.importing.plan import Item
from core.data.photos import MASK_SUFFIXES, PHOTO_SUFFIXES

# Words that folders of masks and of photos have in their names, in use by the common data sets.
MASK_WORDS = ("mask", "annot", "label", "segment", "groundtruth", "ground_truth", "ground-truth", "trimap",
              "gtfine", "gtcoarse", "matte", "alpha")  # fmt: skip
MASK_NAMES = {"gt", "gts", "seg", "truth", "target", "targets", "y"}
PHOTO_WORDS = ("image", "img", "photo", "picture", "leftimg8bit", "original", "input", "frames")
PHOTO_NAMES = {"rgb", "x", "src", "raw"}
NOT_MASKS = ("segmentationobject", "instance")  # beside masks of classes; instances by themselves will do

# Longest first: what follows a photo's stem in the name of its mask. Later ones are worse masks of the same.
MASK_ENDINGS = (
    "_gtfine_labeltrainids", "_gtfine_labelids", "_gtfine_color", "_labeltrainids", "_labelids",
    "_segmentation", "_groundtruth", "_annotation", "_mask", "-mask", ".mask", " mask", "_masks", "_label",
    "_labels", "_matte", "_seg", "-seg", "_gt", "-gt", "_l", "_m",
)  # fmt: skip
FORMS_OF_ONE = ("labelids", "labeltrainids", "gtfine_color", "instanceids")
INSTANCE_ENDINGS = ("_gtfine_instanceids", "_instanceids")
PHOTO_ENDINGS = ("_leftimg8bit", "_image", "_img", "_photo", "_rgb", "_sat", "_orig")
# What precedes a photo's or a mask's own name, as in image_1 and mask_1; before a number also without a dash.
_MASK_BEGINNING = re.compile(
    r"(?:masks?|labels?|seg|segmentation|gt|groundtruth|annotation)(?:[ _-]|(?=\d))(?=.)"
)
_PHOTO_BEGINNING = re.compile(r"(?:images?|img|photo|picture|rgb|orig|original)(?:[ _-]|(?=\d))(?=.)")
SPLITS = {
    "train": "train", "training": "train", "trn": "train",
    "val": "validation", "valid": "validation", "validation": "validation", "dev": "validation",
    "test": "test", "testing": "test", "holdout": "test",
}  # fmt: skip
_PART = re.compile(r"(?:^|[^a-z])(train|training|trn|val|valid|validation|dev|test|testing|holdout)(?![a-z])")
PICTURE_SUFFIXES = PHOTO_SUFFIXES | MASK_SUFFIXES
NEUTRAL = {
    "set",
    "data",
    "dataset",
    "split",
    "hq",
    "samples",
    "files",
}  # says nothing more beside train or val


@dataclass(frozen=True, slots=True)
class Picture:
    """`role` is "photo", "mask" or "" where the name does not say; `folders` those that say neither
    role nor split; `whole` is the file's stem, `as_photo` and `as_mask` the same without the ending,
    or else the beginning, that photos or masks have; `rank` is lower for the better of several masks."""

    name: str
    role: str
    split: str
    folders: tuple[str, ...]
    whole: str
    as_photo: str
    as_mask: str
    rank: int = 0

    @property
    def place(self) -> tuple[str, tuple[str, ...]]:
        return self.split, tuple(folder.casefold() for folder in self.folders)


def steps_of(name: str) -> tuple[str, ...]:
    """The folders of a path and its file. pathlib's own way takes ten times as long."""
    return tuple(step for step in name.split("/") if step not in ("", "."))


def stem_and_suffix(file: str) -> tuple[str, str]:
    """A file's name without its folder: what is before its last dot, and the rest in lower case."""
    dot = file.rfind(".")
    return (file[:dot], file[dot:].lower()) if 0 < dot < len(file) - 1 else (file, "")


def is_picture(name: str) -> bool:
    return stem_and_suffix(name.rsplit("/", 1)[-1])[1] in PICTURE_SUFFIXES


def common_folder(names: Iterable[str]) -> PurePosixPath:
    """The deepest folder that all these files are below."""
    shared: tuple[str, ...] | None = None
    for name in names:
        steps = steps_of(name)[:-1]
        if shared is None:
            shared = steps
            continue
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(shared, steps, strict=False)))
        shared = shared[:same]
    return PurePosixPath(*(shared or ()))


def read_name(name: str, below: PurePosixPath, splits: Mapping[str, str]) -> Picture:
    """What a picture's path below this folder says. `splits` is what `splits_by_folder` found.

    The nearest folder that says something decides; the role is the folders' word alone.
    """
    steps = steps_of(name)[len(below.parts) :]
    role, split, folders = "", "", []
    for folder in reversed(steps[:-1]):
        lower = folder.lower()
        split_here, role_here = splits.get(lower, ""), role_of(lower)
        decides = (role_here and not role) or (split_here and not split)
        role, split = role or role_here, split or split_here
        if not decides:
            folders.append(folder)
    stem, _ = stem_and_suffix(steps[-1])
    as_mask, rank = _without_ending(stem, (*MASK_ENDINGS, *INSTANCE_ENDINGS))
    as_photo, _ = _without_ending(stem, PHOTO_ENDINGS)
    if as_mask == stem and (beginning := _MASK_BEGINNING.match(stem.lower())):
        as_mask, rank = stem[beginning.end() :], len(MASK_ENDINGS)
    if as_photo == stem and (beginning := _PHOTO_BEGINNING.match(stem.lower())):
        as_photo = stem[beginning.end() :]
    return Picture(name, role, split, tuple(reversed(folders)), stem, as_photo, as_mask, rank)


def with_roles_by_endings(pictures: Iterable[Picture]) -> list[Picture]:
    """The same pictures with the roles that their endings give: cat_mask.png is a mask beside a cat.jpg,
    and a photo where there is no such photo.

    An ending of one letter is taken for one only where the photo has no other mask and the file itself
    has none: cat_l.jpg and cat_l_mask.png are a pair even beside a cat.jpg.
    """
    found = list(pictures)
    by_stem: dict[object, list[Picture]] = {}
    for picture in found:
        for stem in {picture.whole.casefold(), picture.as_photo.casefold()}:
            by_stem.setdefault((picture.place, stem), []).append(picture)
    owners = {
        p.name: [o for o in by_stem.get((p.place, p.as_mask.casefold()), ()) if o.name != p.name]
        for p in found
        if p.as_mask != p.whole
    }
    masks = {p.name for p in found if owners.get(p.name) and not _is_weak(p)}
    with_mask = {owner.name for name in masks for owner in owners[name]}
    for picture in found:
        mine = owners.get(picture.name)
        if (
            mine
            and _is_weak(picture)
            and picture.name not in with_mask
            and not with_mask & {o.name for o in mine}
        ):
            masks.add(picture.name)
    return [replace(p, role="mask" if p.name in masks else "photo") for p in found]


def is_another_form(one: Picture, other: Picture) -> bool:
    """Whether two masks of a photo are one annotation in two forms, as Cityscapes has them."""
    return all(any(f in p.whole.lower() for f in FORMS_OF_ONE) for p in (one, other))


def unique_names(items: Sequence[Item]) -> list[Item]:
    """The same items under names that no two share, not even where capitals do not count.

    Equal stems are told apart by the folders above them, and then by numbers.
    """
    stems = Counter(item.name.casefold() for item in items)
    taken = {stem for stem, count in stems.items() if count == 1}
    named = []
    for item in items:
        name = item.name
        if stems[name.casefold()] > 1:
            above = steps_of(item.image)[:-1][-2:]
            name = whole = "-".join([*above, name])
            number = 2
            while whole.casefold() in taken:
                whole, number = f"{name}-{number}", number + 1
            taken.add(whole.casefold())
            item = replace(item, name=whole)  # noqa: PLW2901
        named.append(item)
    return named


def role_of(folder: str) -> str:
    """ "mask", "photo" or "" for a folder's name in lower case."""
    if any(word in folder for word in NOT_MASKS):
        return "other"
    if folder in MASK_NAMES or any(word in folder for word in MASK_WORDS):
        return "mask"
    if folder in PHOTO_NAMES or any(word in folder for word in PHOTO_WORDS):
        return "photo"
    return ""


def splits_by_folder(names: Iterable[str], below: PurePosixPath) -> dict[str, str]:
    """Names of folders, in lower case, that stand for a split of the data: "train", "validation" or "test".

    `train`, `test2017`, `val_images` do by themselves. A name with other words in it, `my-test`, does
    only beside the same name for another split, `my-train`.
    """
    folders = {
        folder.lower()
        for parent in {name.rpartition("/")[0] for name in names}
        for folder in _below(parent, below)
    }
    found: dict[str, str] = {}
    unsure: dict[str, dict[str, str]] = {}
    for folder in folders:
        split, rest = _split_and_rest(folder)
        if plain := split_of_folder(folder):
            found[folder] = plain
        elif split:
            unsure.setdefault(rest, {})[folder] = split
    for alike in unsure.values():
        if len(set(alike.values())) > 1:
            found |= alike
    return found


def _below(parent: str, below: PurePosixPath) -> tuple[str, ...]:
    steps, depth = steps_of(parent), len(below.parts)
    return steps[depth:] if steps[:depth] == below.parts else ()


def split_in(text: str) -> str:
    """The split that a name like instances_train2017 speaks of, else ""."""
    found = _PART.search("".join(c for c in text.lower() if not c.isdigit()))
    return SPLITS[found.group(1)] if found else ""


def split_of_folder(folder: str) -> str:
    """The split that a folder's name stands for by itself, in any case, else ""."""
    split, rest = _split_and_rest(folder.lower())
    return split if not rest or rest in NEUTRAL or role_of(rest) else ""


def _split_and_rest(folder: str) -> tuple[str, str]:
    """The split that a folder's name in lower case speaks of, and what else it says."""
    plain = "".join(c for c in folder if not c.isdigit())
    if found := _PART.search(plain):
        rest = plain[: found.start(1)] + plain[found.end(1) :]
        return SPLITS[found.group(1)], rest.strip(" -_.()[]")
    # trainannot, valmasks, testimages: the split runs into the role
    for start in ("train", "valid", "val", "test"):
        if plain.startswith(start) and role_of(plain[len(start) :]):
            return SPLITS[start], plain[len(start) :]
    return "", ""


def _is_weak(picture: Picture) -> bool:
    return len(picture.whole) - len(picture.as_mask) == 2


def _without_ending(stem: str, endings: Sequence[str]) -> tuple[str, int]:
    """The stem without the first of these endings that it has, and which that was; else whole and 0."""
    lower = stem.lower()
    for position, ending in enumerate(endings):
        if lower.endswith(ending) and len(lower) > len(ending):
            return stem[: -len(ending)], position
    return stem, 0
