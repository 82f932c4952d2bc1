"""A data set's masks read as a model was taught to, or a refusal: never other labels without a word."""

import functools
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.data.classes import ClassEncoding, LayersEncoding, MaskEncoding, one_foreground
from core.data.dataset import DataFolder, as_task
from core.data.masks import BinaryEncoding
from core.data.tally import SAMPLED_MASKS, value_counts
from core.errors import UserError
from core.task import Task

NOWHERE = -2  # this and lower are values that no mask holds: -1 says that there is no void
NAMED = 4  # this many names or values are listed in a sentence


@dataclass(frozen=True, slots=True)
class Reading:
    """How the masks are read for a model. `note` says what differs from the data set's own meaning, in one
    sentence; "" where nothing does."""

    encoding: MaskEncoding
    note: str = ""


def for_model(data: DataFolder, task: Task) -> DataFolder:
    """The same photos, their masks read as a model with this task was taught to.

    Raises UserError where they cannot be.
    """
    encoding = reading(data, task).encoding
    return data if encoding is data.encoding else replace(data, encoding=encoding)


def reading(data: DataFolder, task: Task) -> Reading:
    """The encoding by which masks are read for a model with this task, and what to know about it.

    Raises UserError where the masks do not say what the model was taught.
    """
    if task.kind == "multilabel" or isinstance(data.encoding, LayersEncoding):
        return _labels(data, task)
    if task.kind == "binary":
        return _one_foreground(data, task)
    if isinstance(data.encoding, ClassEncoding):
        return _classes(data, data.encoding, task)
    return _values(data, data.encoding, task)


def _labels(data: DataFolder, task: Task) -> Reading:
    if data.encoding.task.kind == task.kind and data.encoding.task.classes == task.classes:
        return Reading(data.encoding)
    if task.kind == "multilabel":
        wanted = f"the labels {', '.join(task.classes)}"
    else:
        wanted = "one foreground" if task.kind == "binary" else f"{task.outputs} classes, one a pixel"
    raise UserError(f"The model knows {wanted}; {data.name} has no masks for just these.")


def _one_foreground(data: DataFolder, task: Task) -> Reading:
    """Of classes, the one of the model's own name, or else all but the background."""
    if not isinstance(data.encoding, ClassEncoding):
        return Reading(data.encoding)
    name = task.classes[0].casefold()
    same = [c for c in data.encoding.task.classes if c.casefold() == name]
    encoding = one_foreground(data.encoding, same) if same else as_task(data, "binary").encoding
    return Reading(
        encoding, f"{data.name} has {data.encoding.task.outputs} classes; for this model {encoding.meaning}."
    )


def _classes(data: DataFolder, encoding: ClassEncoding, task: Task) -> Reading:
    """Classes are the same by their names, or by their mask values where only the values tell."""
    ours, theirs = encoding.task, task
    if ours.classes == theirs.classes:
        return Reading(encoding)
    if _is_unnamed(ours) or _is_unnamed(theirs):
        same = _same(ours.values, theirs.values)
    else:
        same = _same([c.casefold() for c in ours.classes], [c.casefold() for c in theirs.classes])
    # One has to hold all of the other: half of each in common is chance.
    if len(same) < 2 or len(same) < min(ours.outputs, theirs.outputs):
        raise UserError(
            f"The model has the classes {_listed(theirs.classes)}, and the masks of {data.name} have "
            f"{_listed(ours.classes)}: merge, rename or ignore classes on the Data page to match."
        )
    return Reading(_mapped(encoding, theirs, same), _note(data, ours, theirs, same))


def _same(ours: Sequence[Hashable], theirs: Sequence[Hashable]) -> dict[int, int]:
    """Places of what is in both."""
    places = {item: index for index, item in enumerate(theirs)}
    return {index: places[item] for index, item in enumerate(ours) if item in places}


def _mapped(encoding: ClassEncoding, task: Task, same: Mapping[int, int]) -> ClassEncoding:
    """The mask values of the data set for the classes of the model. `same`: its index -> the model's."""
    values = [NOWHERE - index for index in range(task.outputs)]
    for ours, theirs in same.items():
        values[theirs] = encoding.task.values[ours]
    merged = tuple((value, same[index]) for value, index in encoding.merged if index in same)
    return ClassEncoding(
        replace(task, values=tuple(values), void=encoding.task.void), merged, palette=encoding.palette
    )


def _note(data: DataFolder, ours: Task, theirs: Task, same: Mapping[int, int]) -> str:
    ignored = [c for i, c in enumerate(ours.classes) if i not in same]
    absent = [c for i, c in enumerate(theirs.classes) if i not in same.values()]
    if ignored:
        return f"The model does not know {_listed(ignored)}: these pixels of {data.name} are ignored."
    if absent:
        return f"The masks of {data.name} have no {_listed(absent)}."
    if [c.casefold() for c in ours.classes] == [c.casefold() for c in theirs.classes]:
        return ""
    by = "mask values" if _is_unnamed(ours) or _is_unnamed(theirs) else "names"
    pairs = [f"{ours.classes[i]} is {theirs.classes[j]}" for i, j in sorted(same.items())]
    return f"The classes of {data.name} are taken by their {by}: {_listed(pairs)}."


def _values(data: DataFolder, encoding: BinaryEncoding, task: Task) -> Reading:
    """Masks of one foreground: the ids from which it was made, where all of them are classes of the model."""
    if encoding.is_of_ids or encoding.values:
        some = data.pairs[:: max(1, len(data.pairs) // SAMPLED_MASKS)]
        held = _held(tuple((pair.mask, pair.mask.stat().st_mtime_ns) for pair in some))
        unknown = sorted(held - {*task.values, task.void, encoding.void})
        if unknown:
            raise UserError(
                f"The masks of {data.name} hold the values {_listed(unknown)}, which are not classes of the "
                f"model ({_listed(task.values)}): merge or ignore classes on the Data page first."
            )
        void = encoding.void if task.void < 0 else task.void
        sampled = f", judged by {len(some):,} of {len(data.pairs):,}" if len(some) < len(data.pairs) else ""
        return Reading(
            ClassEncoding(replace(task, void=void), palette=encoding.palette),
            f"The masks of {data.name} are read as class indices{sampled}.",
        )
    if task.outputs == 2 and task.classes[1].casefold() != "background":
        found = f"{task.classes[1]}, and the rest is {task.classes[0]}"
        return Reading(
            ClassEncoding(task, of_one=encoding, palette=encoding.palette),
            f"The foreground of {data.name} is read as {found}.",
        )
    raise UserError(
        f"The masks of {data.name} mark one foreground, and the model has the classes "
        f"{_listed(task.classes)}: choose a model of one foreground, or masks of these classes."
    )


@functools.lru_cache(maxsize=16)
def _held(masks: tuple[tuple[Path, int], ...]) -> frozenset[int]:
    """The values in these mask files, each with the time of its last change."""
    return frozenset(value_counts([path for path, _ in masks]))


def _is_unnamed(task: Task) -> bool:
    """Whether classes are called by their mask values, for want of names."""
    return all(c == f"class {value}" for c, value in zip(task.classes, task.values, strict=True))


def _listed(names: Iterable[object]) -> str:
    listed = list(map(str, names))
    rest = f" and {len(listed) - NAMED} more" if len(listed) > NAMED + 1 else ""
    return ", ".join(listed[:NAMED] if rest else listed) + rest
