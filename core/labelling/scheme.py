"""The classes of a labelling session, and how the ids on the canvas become the values of a mask file.

On the canvas a pixel is 0 where nothing is labelled, 1 for the first class and so on, and IGNORE where the
data set's masks say that nobody knows.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.classes import (
    ClassEncoding,
    LayersEncoding,
    MaskEncoding,
    encoding_from_dict,
    is_background,
)
from core.data.dataset import DATASET_FILE, LAYOUT_PAINTED, read_about
from core.data.masks import BinaryEncoding
from core.data.painting import PAINTED, value_map
from core.errors import UserError
from core.imaging.palette import hex_colours
from core.system.workspace import read_json, write_json
from core.task import IGNORE, Task

SESSION_FILE = "session.json"
MAX_CLASSES = 50  # more no list of buttons can hold
MAX_NAME = 40
UNLABELLED = 0


@dataclass(frozen=True, slots=True)
class LabelClass:
    """`colour` is #rrggbb; `value` is what its pixels are in a mask file."""

    name: str
    colour: str
    value: int


@dataclass(frozen=True, slots=True)
class Scheme:
    """The classes, of which the first has id 1. `background` is the mask value where nothing is labelled,
    `void` that of pixels that nobody knows (-1: none). `is_ours`: the app wrote all the masks, so that each
    value in them is exactly that of a class, and classes can be added."""

    classes: tuple[LabelClass, ...]
    encoding: MaskEncoding
    background: int = 0
    void: int = -1
    is_ours: bool = False

    @property
    def names(self) -> list[str]:
        return [one.name for one in self.classes]

    def values(self, ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Ids (height, width) as the values of a mask file, uint8, same shape."""
        table = np.full(256, self.background, np.uint8)
        for number, one in enumerate(self.classes, 1):
            table[number] = one.value
        if self.void >= 0:
            table[IGNORE] = self.void
        return np.asarray(table[ids], np.uint8)

    def ids(self, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The data set's labels, as `core.task` describes them, as ids; uint8, same shape."""
        table = np.full(256, UNLABELLED, np.uint8)
        ids = {one.value: number for number, one in enumerate(self.classes, 1)}
        if isinstance(self.encoding, ClassEncoding):
            for index, value in enumerate(self.encoding.task.values):
                table[index] = ids.get(value, UNLABELLED)
        else:
            table[1] = 1
        table[IGNORE] = IGNORE if 0 <= self.void != self.background else UNLABELLED
        return np.asarray(table[labels], np.uint8)


def new_scheme(names: Sequence[str]) -> Scheme:
    """Of a new data set with these classes: one is 255 in its masks, several are 1, 2, 3 …; 0 is background.

    Raises UserError for names that are empty, taken or too many.
    """
    cleaned = checked_names(names)
    colours = hex_colours(1) if len(cleaned) == 1 else hex_colours(1 + len(cleaned))[1:]  # background's first
    values = [255] if len(cleaned) == 1 else range(1, len(cleaned) + 1)
    classes = tuple(map(LabelClass, cleaned, colours, values))
    return Scheme(classes, _encoding(classes, 0, -1), is_ours=True)


def checked_names(names: Sequence[str]) -> list[str]:
    """Names of classes, without spaces at their ends. Raises UserError for what cannot be one."""
    cleaned = [" ".join(name.split()) for name in names if name.strip()]
    if not cleaned:
        raise UserError("Name at least one class, such as horse.")
    if len(cleaned) > MAX_CLASSES:
        raise UserError(f"{len(cleaned)} classes are too many: a session has {MAX_CLASSES} at most.")
    for name in cleaned:
        if len(name) > MAX_NAME:
            raise UserError(f"The class name '{name[:20]}…' is too long: use {MAX_NAME} characters at most.")
        if is_background(name):
            raise UserError(f"'{name}' needs no class of its own: it is whatever is not labelled.")
    folded = [name.casefold() for name in cleaned]
    for name in cleaned:
        if folded.count(name.casefold()) > 1:
            raise UserError(f"There are two classes called '{name}': rename one.")
    return cleaned


def read_scheme(folder: Path, kept: Path) -> Scheme:
    """The classes of a data set, with the colours and names that its session keeps in `kept`.

    Raises UserError where the masks have a file for each label, or values that the app cannot write.
    """
    about = read_about(folder) if (folder / DATASET_FILE).is_file() else {}
    is_ours = (about.get("origin") or {}).get("layout") == LAYOUT_PAINTED
    encoding = encoding_from_dict(about.get("mask_rule") or PAINTED.to_dict())
    if isinstance(encoding, LayersEncoding):
        raise UserError("This data set has a mask file for each label: correct it in another tool.")
    if isinstance(encoding, BinaryEncoding):
        table = value_map(encoding)
        scheme = Scheme(
            (LabelClass("foreground", hex_colours(1)[0], int(table[1])),), encoding, int(table[0]),
            int(table[IGNORE]) if encoding.has_void else -1, is_ours,
        )  # fmt: skip
    else:
        scheme = _of_classes(encoding, is_ours)
    return _as_kept(scheme, kept)


def _of_classes(encoding: ClassEncoding, is_ours: bool) -> Scheme:
    task = encoding.task
    if max((*task.values, task.void)) > 255:
        raise UserError("The masks of this data set have values above 255: correct them in another tool.")
    pairs = list(zip(task.classes, task.values, strict=True))
    ground = next((value for name, value in pairs if is_background(name)), None)
    if ground is None and pairs[0] == (f"class {pairs[0][1]}", 0):
        ground = 0
    named = [(name, value) for name, value in pairs if value != ground]
    if ground is None:  # what is not labelled counts for nothing
        known = {*task.values, *(value for value, _ in encoding.merged)}
        ground = task.void if task.void >= 0 else max(set(range(256)) - known)
    colours = dict(zip(task.classes, hex_colours(task.outputs), strict=True))  # as on the other pages
    classes = tuple(LabelClass(name, colours[name], value) for name, value in named)
    return Scheme(classes, encoding, ground, task.void, is_ours)


def _as_kept(scheme: Scheme, kept: Path) -> Scheme:
    """With the names and colours that were chosen in the session, by mask value."""
    if not kept.is_file():
        return scheme
    listed = read_json(kept).get("classes", [])
    chosen = {entry.get("value"): entry for entry in listed if isinstance(entry, dict)}

    def as_chosen(one: LabelClass) -> LabelClass:
        entry = chosen.get(one.value, {})
        return replace(
            one, name=str(entry.get("name") or one.name), colour=str(entry.get("colour") or one.colour)
        )

    return replace(scheme, classes=tuple(map(as_chosen, scheme.classes)))


def changed(scheme: Scheme, names: Sequence[str], colours: Sequence[str]) -> Scheme:
    """The scheme with its classes renamed and recoloured, in their order, and further ones added at the end.

    Raises UserError for names that are no names, for fewer than there are, and for further ones where the
    masks are not all written by the app.
    """
    cleaned = checked_names(names)
    if len(cleaned) < len(scheme.classes):
        raise UserError("A class cannot be removed once masks may hold it: rename it instead.")
    if len(cleaned) > len(scheme.classes) and not scheme.is_ours:
        raise UserError(
            "Classes can be added only to data sets that were labelled here: start a new one of these photos."
        )
    taken = {scheme.background, scheme.void, *(one.value for one in scheme.classes)}
    free = (value for value in range(1, 255) if value not in taken)
    more = hex_colours(len(cleaned))
    classes = []
    for number, name in enumerate(cleaned):
        colour = colours[number] if number < len(colours) and colours[number] else more[number]
        known = scheme.classes[number].value if number < len(scheme.classes) else next(free)
        classes.append(LabelClass(name, colour, known))
    encoding = scheme.encoding
    if scheme.is_ours and (len(classes) > 1 or isinstance(encoding, ClassEncoding)):
        encoding = _encoding(tuple(classes), scheme.background, scheme.void)
    elif isinstance(encoding, ClassEncoding):
        renamed = {one.value: one.name for one in classes}
        task = encoding.task
        names_now = tuple(renamed.get(v, n) for n, v in zip(task.classes, task.values, strict=True))
        encoding = replace(encoding, task=replace(task, classes=names_now))
    return replace(scheme, classes=tuple(classes), encoding=encoding)


def write_scheme(scheme: Scheme, folder: Path, kept: Path) -> None:
    """Keep the classes: what masks mean in dataset.json, names and colours in `kept`."""
    path = folder / DATASET_FILE
    about = read_about(folder) if path.is_file() else {}
    if about.get("mask_rule") != scheme.encoding.to_dict():
        write_json(path, {**about, "mask_rule": scheme.encoding.to_dict()})
    kept.parent.mkdir(parents=True, exist_ok=True)
    write_json(kept, {"classes": [asdict(one) for one in scheme.classes]})


def _encoding(classes: tuple[LabelClass, ...], background: int, void: int) -> MaskEncoding:
    if len(classes) == 1:
        return PAINTED
    names = ("background", *(one.name for one in classes))
    values = (background, *(one.value for one in classes))
    return ClassEncoding(Task("multiclass", names, values, void), palette="none")


def as_dict(scheme: Scheme) -> list[dict[str, Any]]:
    """For a component: id, name and colour of each class."""
    return [
        {"id": number, "name": one.name, "colour": one.colour} for number, one in enumerate(scheme.classes, 1)
    ]
