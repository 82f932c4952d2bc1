"""Masks that tell several things apart: class indices in one file, or a file for each label."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.masks import BinaryEncoding, palette_from
from core.data.palettes import Palette
from core.data.tally import guess_encoding, whole_tally
from core.errors import UserError
from core.imaging.label_resizing import resize_labels
from core.task import IGNORE, MAX_CLASSES, Task

BACKGROUNDS = {"background", "bg", "unlabelled", "unlabeled", "void", "ignore"}
EVERYTHING = (
    "Every pixel would be foreground, because none of the classes is a background: choose which classes are "
    "the foreground."
)


@dataclass(frozen=True, slots=True)
class ClassEncoding:
    """A mask's value is the class of its pixel; values that are no class are ignored.

    `merged` are further values and the index of the class that they count as. With `of_one`, masks are
    of one foreground, which is the second of two classes, and its background the first. `palette` is
    what the colours of masks with a palette mean, and `ignored` are values that are no class on purpose.
    """

    task: Task
    merged: tuple[tuple[int, int], ...] = ()
    of_one: BinaryEncoding | None = None
    palette: Palette = ""
    ignored: tuple[int, ...] = ()

    @property
    def meaning(self) -> str:
        void = f", {self.task.void} is ignored" if self.task.void >= 0 else ""
        return f"class indices, {self.task.outputs} classes{void}"

    def labels(self, values: NDArray[np.int32]) -> NDArray[np.uint8]:
        """Raw values (height, width) -> index of the class, or IGNORE; uint8, same shape."""
        if self.of_one is not None:
            return self.of_one.labels(values)
        found = np.full(values.shape, IGNORE, np.uint8)
        for index, value in enumerate(self.task.values):
            found[values == value] = index
        for value, index in self.merged:
            found[values == value] = index
        return found

    def foreground(self, values: NDArray[np.int32]) -> NDArray[np.uint8]:
        """1 where the class is known, else 0."""
        return np.asarray(self.labels(values) != IGNORE, np.uint8)

    def resize(self, labels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
        return resize_labels(labels, size)

    def to_dict(self) -> dict[str, Any]:
        merged = {"merged": [list(entry) for entry in self.merged]} if self.merged else {}
        of_one = {"of_one": self.of_one.to_dict()} if self.of_one else {}
        ignored = {"ignored": list(self.ignored)} if self.ignored else {}
        return {"task": self.task.to_dict(), "palette": self.palette, **merged, **of_one, **ignored}


@dataclass(frozen=True, slots=True)
class LayersEncoding:
    """One mask file for each label; `encoding` says what the values in each of them mean."""

    task: Task
    encoding: BinaryEncoding = field(default_factory=BinaryEncoding)

    @property
    def meaning(self) -> str:
        return f"one file for each of {', '.join(self.task.classes)}; {self.encoding.meaning}"

    @property
    def palette(self) -> Palette:
        return self.encoding.palette

    def labels(self, values: NDArray[np.int32]) -> NDArray[np.uint8]:
        """One layer's raw values -> 0 or 1."""
        return self.encoding.foreground(values)

    def foreground(self, values: NDArray[np.int32]) -> NDArray[np.uint8]:
        return self.encoding.foreground(values)

    def resize(self, labels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
        return resize_labels(labels, size)

    def to_dict(self) -> dict[str, Any]:
        return {"task": self.task.to_dict(), **self.encoding.to_dict()}


MaskEncoding = BinaryEncoding | ClassEncoding | LayersEncoding


def marks_one(encoding: MaskEncoding) -> bool:
    """Whether masks have a foreground and a background, which an inverted pair exchanges."""
    return isinstance(encoding, BinaryEncoding) or (
        isinstance(encoding, ClassEncoding) and encoding.of_one is not None
    )


def encoding_from_dict(values: dict[str, Any]) -> MaskEncoding:
    """What `to_dict` of any encoding gave. Raises UserError on anything else."""
    if "task" not in values:
        return BinaryEncoding.from_dict(values)
    task = Task.from_dict(values["task"])
    if task.kind == "multilabel":
        return LayersEncoding(task, BinaryEncoding.from_dict(values))
    try:
        merged = tuple((int(value), int(index)) for value, index in values.get("merged", ()))
        ignored = tuple(map(int, values.get("ignored", ())))
        return ClassEncoding(task, merged, palette=palette_from(values), ignored=ignored)
    except (TypeError, ValueError) as error:
        raise UserError(
            "dataset.json holds merged or ignored classes that cannot be read: delete the file."
        ) from error


def with_palette(encoding: MaskEncoding, palette: Palette) -> MaskEncoding:
    """The same encoding for masks whose palettes mean this."""
    if isinstance(encoding, LayersEncoding):
        return replace(encoding, encoding=replace(encoding.encoding, palette=palette))
    return replace(encoding, palette=palette)


def guess_classes(masks: Sequence[Path], void: int = -1, names: Sequence[str] = ()) -> ClassEncoding:
    """The classes that these mask files hold: every value but `void`, named `class 3` unless named.

    Given names are those of the values 0, 1, 2 … in this order; then a class that no file holds
    has its place all the same. Raises UserError where there are more values than can be classes.
    """
    found = whole_tally(masks)
    return replace(classes_for_values(found.counts(), void, names), palette=found.palette)


def classes_for_values(counts: Mapping[int, int], void: int = -1, names: Sequence[str] = ()) -> ClassEncoding:
    """The same for a data set in which each value covers this many pixels."""
    values = sorted(value for value in counts if value != void)
    if names:
        values = [value for value in range(len(names) + 1) if value != void][: len(names)]
    if len(values) > MAX_CLASSES["multiclass"] or (values and values[-1] >= 2**16):
        raise UserError(
            f"The masks hold {len(values)} different values: that is not a set of classes. "
            "Choose foreground against background, or save the masks as class indices in PNG files."
        )
    named = tuple(names) or tuple(f"class {value}" for value in values)
    return ClassEncoding(Task("multiclass", named, tuple(values), void))


def layers_encoding(layers: Sequence[Sequence[Path]], names: Sequence[str]) -> LayersEncoding:
    """The encoding for a data set with these mask files, one list for each label."""
    return LayersEncoding(
        Task("multilabel", tuple(names)), guess_encoding([p for part in layers for p in part])
    )


def is_background(name: str) -> bool:
    """Whether a class of this name is what is left when everything else has been named."""
    return name.strip(" _").casefold() in BACKGROUNDS


def chosen_classes(encoding: ClassEncoding, names: Sequence[str]) -> ClassEncoding:
    """These classes kept apart. The others count as background where that is one of these, and are
    ignored where it is not."""
    task = encoding.task
    kept = [i for i, name in enumerate(task.classes) if name in names]
    index = {old: new for new, old in enumerate(kept)}
    background = next((index[i] for i in kept if _is_background(task, i)), None)
    pairs = [*enumerate(task.values), *((i, value) for value, i in encoding.merged)]
    main = {task.values[i] for i in kept}
    merged = tuple(
        (value, target)
        for i, value in pairs
        if value not in main and (target := index.get(i, background)) is not None
    )
    chosen = Task(
        "multiclass", tuple(task.classes[i] for i in kept), tuple(task.values[i] for i in kept), task.void
    )
    known = {*chosen.values, *(value for value, _ in merged)}
    ignored = tuple(sorted({*encoding.ignored, *(value for _, value in pairs)} - known))
    return ClassEncoding(chosen, merged, palette=encoding.palette, ignored=ignored)


def chosen_foreground(encoding: ClassEncoding, names: Sequence[str]) -> BinaryEncoding:
    """These classes, or all where there are none, as one foreground; a background never is.

    Raises UserError where every pixel would be foreground.
    """
    task = encoding.task
    wanted = [
        c for i, c in enumerate(task.classes) if c in (names or task.classes) and not _is_background(task, i)
    ]
    if not wanted or len(wanted) == len(task.classes):
        raise UserError(EVERYTHING)
    return one_foreground(encoding, wanted)


def _is_background(task: Task, index: int) -> bool:
    name = task.classes[index]
    return is_background(name) or (task.values[index] == 0 and name == "class 0")


def one_foreground(encoding: ClassEncoding, names: Sequence[str]) -> BinaryEncoding:
    """Pixels of these classes as foreground and of the others as background. What is no class stays void."""
    chosen = {index for index, name in enumerate(encoding.task.classes) if name in names}
    indices = [*enumerate(encoding.task.values), *((index, value) for value, index in encoding.merged)]
    inside = sorted(value for index, value in indices if index in chosen)
    text = (
        f"{', '.join(encoding.task.classes[i] for i in sorted(chosen))} {'is' if len(chosen) == 1 else 'are'}"
    )
    known = sorted(value for _, value in indices)
    return BinaryEncoding(
        1,
        encoding.task.void,
        f"{text} foreground",
        tuple(inside),
        known=tuple(known),
        palette=encoding.palette,
    )
