"""What the names of folders and files say: photo or mask, which part, which photo."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

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
INSTANCE_ENDINGS = ("_gtfine_instanceids", "_instanceids")
PHOTO_ENDINGS = ("_leftimg8bit", "_image", "_img", "_photo", "_rgb", "_sat", "_orig")
PARTS = {
    "train": "train", "training": "train", "trn": "train",
    "val": "validation", "valid": "validation", "validation": "validation", "dev": "validation",
    "test": "test", "testing": "test", "holdout": "test",
}  # fmt: skip
_PART = re.compile(r"(?:^|[^a-z])(train|training|trn|val|valid|validation|dev|test|testing|holdout)(?![a-z])")


@dataclass(frozen=True, slots=True)
class Picture:
    """`role` is "photo", "mask" or "" where the name does not say; `folders` those that say neither
    role nor part; `stem` without the endings that masks and photos have; `rank` is lower for the
    better of several masks."""

    name: str
    role: str
    part: str
    folders: tuple[str, ...]
    stem: str
    rank: int = 0

    @property
    def key(self) -> tuple[str, tuple[str, ...], str]:
        return self.part, self.folders, self.stem.casefold()


def is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in PHOTO_SUFFIXES | MASK_SUFFIXES


def common_folder(names: list[str]) -> PurePosixPath:
    """The deepest folder that all these files are below."""
    parents = [PurePosixPath(name).parent.parts for name in names]
    shared = []
    for level in zip(*parents, strict=False):
        if len(set(level)) > 1:
            break
        shared.append(level[0])
    return PurePosixPath(*shared)


def read_name(name: str, below: PurePosixPath, by_folder: bool) -> Picture:
    """`by_folder`: roles come from the folders' names, nearest first; else from the files' endings."""
    path = PurePosixPath(name).relative_to(below)
    role, part, folders = "", "", []
    for folder in reversed(path.parts[:-1]):
        lower = folder.lower()
        part_here = part_of(lower)
        role_here = role_of(lower) if by_folder else ""
        decides = (role_here and not role) or (part_here and not part)
        role, part = role or role_here, part or part_here
        if not decides:
            folders.append(folder)
    stem, rank, ended = path.stem, 0, False
    lower = stem.lower()
    for position, ending in enumerate((*MASK_ENDINGS, *INSTANCE_ENDINGS)):
        if lower.endswith(ending) and len(lower) > len(ending) and role != "photo":
            stem, rank, ended = stem[: -len(ending)], position, True
            break
    if not by_folder:
        role = "mask" if ended else "photo"
    if role != "mask" and not ended:
        for ending in PHOTO_ENDINGS:
            if lower.endswith(ending) and len(lower) > len(ending):
                stem = stem[: -len(ending)]
                break
    return Picture(name, role, part, tuple(reversed(folders)), stem, rank)


def role_of(folder: str) -> str:
    """ "mask", "photo" or "" for a folder's name in lower case."""
    if any(word in folder for word in NOT_MASKS):
        return "other"
    if folder in MASK_NAMES or any(word in folder for word in MASK_WORDS):
        return "mask"
    if folder in PHOTO_NAMES or any(word in folder for word in PHOTO_WORDS):
        return "photo"
    return ""


def part_of(folder: str) -> str:
    """ "train", "validation", "test" or "" for a folder's name in lower case."""
    found = _PART.search(folder)
    if found:
        return PARTS[found.group(1)]
    # trainannot, valmasks, testimages: the part runs into the role
    for start in ("train", "valid", "val", "test"):
        if folder.startswith(start) and role_of(folder[len(start) :]):
            return PARTS[start]
    return ""
