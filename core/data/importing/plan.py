"""What an import would do: the answer of recognition, shown before anything is copied."""

from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.data.classes import MaskEncoding
from core.data.importing.sources import Source
from core.data.masks import mask_values, same_shape
from core.data.pairing import Problem
from core.data.photos import read_photo
from core.errors import UserError

MaskFile = tuple[str, bytes]  # path below masks/, content


@dataclass(frozen=True, slots=True)
class Item:
    """A photo and what says where its foreground is.

    `name` is the stem its files will have, `image` its name in the source, `masks` those of its
    mask files ("" where a label has none), `split` "train", "validation", "test" or "".
    """

    name: str
    image: str
    masks: tuple[str, ...] = ()
    split: str = ""


class Labels(Protocol):
    """Where the masks come from. `classes` are names that can be chosen from, [] where it is just
    foreground and background."""

    @property
    def classes(self) -> tuple[str, ...]: ...

    def encoding(self) -> MaskEncoding | None:
        """What the values of the files that `files` gives mean; None: to be found out from them."""

    def files(self, source: Source, item: Item, size: tuple[int, int]) -> list[MaskFile]:
        """The masks of one photo of this (height, width). Raises UserError naming the file."""

    def choosing(self, names: tuple[str, ...], as_one: bool) -> "Labels":
        """The same labels, these classes alone; `as_one`: all of them one foreground, but for a background.

        Raises UserError where that leaves nothing to tell apart.
        """

    def copying(self) -> "Copying":
        """Recognition looks at a sample; the pass over all masks finds what that did not show."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a whole set of masks turned out to hold. `again` are names of items whose masks have to be
    written once more, with these labels; `notes` say what the first look had not shown."""

    labels: Labels
    again: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


class Copying:
    """One pass over the masks of a plan, as they are copied."""

    def __init__(self, labels: Labels) -> None:
        self._labels = labels

    def files(self, source: Source, item: Item, size: tuple[int, int]) -> list[MaskFile]:
        """The masks of one photo, as `Labels.files` gives them."""
        return self._labels.files(source, item, size)

    def outcome(self) -> Outcome:
        """To be asked when all have been copied. Raises UserError where the set cannot be read so."""
        return Outcome(self._labels)


@dataclass(frozen=True, slots=True)
class Plan:
    """`layout` is its name for people, `summary` what was understood, in a sentence or two."""

    layout: str
    summary: str
    items: tuple[Item, ...]
    labels: Labels
    problems: tuple[Problem, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)

    def choosing(self, names: tuple[str, ...], as_one: bool) -> "Plan":
        return replace(self, labels=self.labels.choosing(names, as_one))

    def splits(self) -> dict[str, int]:
        """How many photos are in which split, where the source says."""
        counts: dict[str, int] = {}
        for item in self.items:
            if item.split:
                counts[item.split] = counts.get(item.split, 0) + 1
        return counts


def preview(
    source: Source, plan: Plan, item: Item, max_side: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], MaskEncoding]:
    """Photo (h, w, 3), labels at the mask's own size, and their meaning, as they will be imported.

    Raises UserError, naming the file, when this pair cannot be.
    """
    from core.data.classes import LayersEncoding
    from core.data.masks import BinaryEncoding

    photo = source.read(item.image)
    picture = read_photo(photo, item.image, max_side=max_side)
    files = plan.labels.files(source, item, upright_size(photo, item.image))
    encoding = plan.labels.encoding() or BinaryEncoding()
    mask_name = PurePosixPath(item.masks[0] if item.masks else item.image).name
    values = mask_values(files[0][1], photo, mask_name, encoding.palette)
    if not same_shape(values.shape, picture.shape):
        raise UserError(f"{item.image} and its mask differ in shape: they cannot belong together.")
    if not isinstance(encoding, LayersEncoding):
        return picture, encoding.labels(values), encoding
    labels = np.zeros(values.shape, np.uint8)
    for path, content in files:
        bit = encoding.task.classes.index(path.split("/")[0])
        labels |= encoding.labels(mask_values(content, photo, palette=encoding.palette)) << np.uint8(bit)
    return picture, labels, encoding


def upright_size(photo: bytes, name: str) -> tuple[int, int]:
    from core.data.photos import photo_size

    return photo_size(photo, name)
