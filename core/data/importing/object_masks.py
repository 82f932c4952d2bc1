"""A folder for each photo, with a mask file for each object: `id/images/id.png`, `id/masks/….png`.

So the Data Science Bowl of 2018 packs its nuclei: https://www.kaggle.com/competitions/data-science-bowl-2018/data.
The masks of a photo are put together as one foreground.
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from core.data.importing.names import (
    common_folder,
    is_picture,
    read_name,
    role_of,
    splits_by_folder,
    steps_of,
    unique_names,
)
from core.data.importing.plan import Copying, Item, MaskFile, Plan
from core.data.importing.side_files import with_listed_splits
from core.data.importing.sources import Source
from core.data.masks import LOSSY_SUFFIXES, BinaryEncoding, mask_values
from core.data.pairing import Problem
from core.errors import UserError
from core.imaging import rendering

LAYOUT = "A mask file for each object"


@dataclass(frozen=True, slots=True)
class ObjectMasks:
    """Masks of single objects, of which a photo has any number."""

    @property
    def classes(self) -> tuple[str, ...]:
        return ()

    def encoding(self) -> BinaryEncoding:
        return BinaryEncoding(128, meaning="what lies in any of the objects' masks is foreground, 255")

    def files(self, source: Source, item: Item, size: tuple[int, int]) -> list[MaskFile]:
        photo = source.read(item.image)
        inside = np.zeros(size, bool)
        for name in item.masks:
            values = mask_values(source.read(name), photo, name)
            if values.shape != size:
                shape = f"{values.shape[1]}x{values.shape[0]}"
                raise UserError(f"{name} has {shape} pixels, unlike its photo {item.image}: leave it out.")
            lossy = any(name.lower().endswith(suffix) for suffix in LOSSY_SUFFIXES)
            inside |= values >= (128 if lossy else 1)
        return [(f"{item.name}.png", rendering.encode(inside.astype(np.uint8) * np.uint8(255)))]

    def choosing(self, names: tuple[str, ...], as_one: bool) -> "ObjectMasks":
        return self

    def copying(self) -> Copying:
        return Copying(self)


def object_mask_plans(source: Source) -> list[Plan]:
    """A plan, where photos have folders of their own with masks that are not called like them."""
    pictures = [name for name in source.names if is_picture(name)]
    photos, masks = _by_folder(pictures, "photo"), _by_folder(pictures, "mask")
    own = {folder: photos[folder][0] for folder in masks if len(photos.get(folder, ())) == 1}
    groups = {f: photo for f, photo in own.items() if _stem(photo) not in map(_stem, masks[f])}
    if len(groups) < 2 and not any(folder and folder[-1] == _stem(photo) for folder, photo in groups.items()):
        return []
    below = common_folder(pictures)
    splits = splits_by_folder(pictures, below)
    items = [
        Item(_stem(photo), photo, tuple(sorted(masks[folder])), read_name(photo, below, splits).split)
        for folder, photo in groups.items()
    ]
    taken = {name for item in items for name in (item.image, *item.masks)}
    problems = [
        Problem(name, f"{name} is in no folder with one photo and the masks of its objects.")
        for name in pictures
        if name not in taken
    ]
    named = tuple(with_listed_splits(source, unique_names(items)))
    count = sum(len(item.masks) for item in named)
    summary = f"{len(named):,} photos with {count:,} masks of single objects, put together as one foreground."
    return [Plan(LAYOUT, summary, named, ObjectMasks(), (*source.problems, *problems))]


def _by_folder(pictures: list[str], role: str) -> dict[tuple[str, ...], list[str]]:
    """Pictures in folders of this role, by the folder above."""
    found: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name in pictures:
        folders = steps_of(name)[:-1]
        if folders and role_of(folders[-1].lower()) == role:
            found[folders[:-1]].append(name)
    return found


def _stem(name: str) -> str:
    return name.rpartition("/")[2].rpartition(".")[0]
