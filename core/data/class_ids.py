"""Whether masks that hold several values name classes or count instances."""

import contextlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from core.data.classes import ClassEncoding
from core.data.dataset import DataFolder
from core.data.masks import VOID, BinaryEncoding, mask_values
from core.data.pairing import Pair
from core.data.photos import photo_size
from core.errors import UserError
from core.task import Task

SAMPLED = 40  # masks


@dataclass(frozen=True, slots=True)
class Content:
    """What a training can find in a data set: how many images there are, and the classes.

    `task` is the data set's own. `several` says whether its masks hold several values, and `are_classes`
    whether these are classes, which are then what is trained unless somebody chooses otherwise. `photo` is
    the usual height and width of the photos, None where none can be read.
    """

    training: int
    validation: int
    task: Task
    several: bool
    are_classes: bool
    photo: tuple[int, int] | None = None


def content(data: DataFolder) -> Content:
    """Reads some of the masks where the values alone have to decide."""
    several = isinstance(data.encoding, ClassEncoding) and data.encoding.of_one is None
    classes = several
    some = data.pairs[:: max(1, len(data.pairs) // SAMPLED)]
    if isinstance(data.encoding, BinaryEncoding) and data.encoding.is_of_ids:
        several, palette = True, data.encoding.palette
        classes = are_classes(np.unique(mask_values(pair.mask, palette=palette)).tolist() for pair in some)
    return Content(
        len(data.pairs_of("train")), len(data.pairs_of("validation")), data.encoding.task, several, classes,
        _usual_size(some),
    )  # fmt: skip


def _usual_size(pairs: Sequence[Pair]) -> tuple[int, int] | None:
    """The size of the photo with the median area."""
    sizes = []
    for pair in pairs:
        with contextlib.suppress(UserError):
            sizes.append(photo_size(pair.image))
    return sorted(sizes, key=math.prod)[len(sizes) // 2] if sizes else None


def are_classes(values: Iterable[Sequence[int]]) -> bool:
    """Whether the values of these masks, each a list, are classes.

    Instances are counted from 1 in every mask, and the count differs; a class keeps its value where a lower
    one is absent, and what occurs everywhere does so with the same values.
    """
    inside = [sorted(v for v in each if 0 < v != VOID) for each in values]
    counted = all(each == list(range(1, len(each) + 1)) for each in inside)
    return not (counted and len({len(each) for each in inside}) > 1)
