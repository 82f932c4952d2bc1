"""Fixes of a data set that leave its files as they are: dataset.json says how to read them.

Each fix is one entry in dataset.json's history and can be undone, the last one first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.data.classes import ClassEncoding, LayersEncoding, MaskEncoding, one_foreground
from core.data.dataset import DATASET_FILE, DataFolder, open_data, read_about, write_down
from core.data.masks import BinaryEncoding
from core.data.split_record import SplitRecord
from core.data.value_range import KEY, Range, range_in, words
from core.errors import UserError
from core.policy.permissions import needs
from core.system.workspace import write_json
from core.task import MAX_CLASSES, Task

HISTORY = "history"
_FIXED = ("mask_rule", "left_out", "inverted", KEY)  # what a fix may change, and undoing brings back


@needs("change")
def exclude(data: DataFolder, names: Sequence[str]) -> DataFolder:
    """Exclude these photos from training, evaluation and export. Raises UserError if too few are left."""
    known = {pair.name for pair in data.pairs}
    chosen = [name for name in names if name in known]
    if not chosen:
        raise UserError("None of these photos is in the data set.")
    if len(known) - len(chosen) < 2:
        raise UserError("Fewer than two pairs would be left: choose fewer.")
    return _change(data, f"Excluded {_photos(chosen)}", left_out=sorted({*data.left_out, *chosen}))


@needs("change")
def restore(data: DataFolder, names: Sequence[str]) -> DataFolder:
    """Include these photos again, which had been excluded."""
    chosen = sorted(set(names) & set(data.left_out))
    return _change(data, f"Restored {_photos(chosen)}", left_out=sorted(set(data.left_out) - set(chosen)))


@needs("change")
def invert(data: DataFolder, names: Sequence[str] = ()) -> DataFolder:
    """Foreground and background swapped, in these photos' masks or in all. For binary masks."""
    encoding = _binary_encoding(data)
    if not names:
        changed = replace(encoding, inverted=not encoding.inverted, meaning=_inverted_words(encoding))
        return _change(data, "Inverted every mask", mask_rule=changed.to_dict())
    chosen = sorted({pair.name for pair in data.pairs} & set(names))
    if not chosen:
        raise UserError("None of these photos is in the data set.")
    before = set(data.inverted)  # those of excluded photos too
    return _change(data, f"Inverted the mask of {_photos(chosen)}", inverted=sorted(before ^ set(chosen)))


@needs("change")
def set_range(data: DataFolder, value_range: Range) -> DataFolder:
    """These values are black and white in photos of more than 8 bits. Raises UserError unless they
    are two numbers, the smaller one first."""
    checked = range_in({KEY: value_range})
    assert checked is not None
    return _change(data, f"Photos' values from {words(checked)}", **{KEY: list(checked)})


@needs("change")
def binarise(data: DataFolder, level: int) -> DataFolder:
    """Foreground is every mask value from `level` on."""
    if not 1 <= level <= 65535:
        raise UserError(f"A threshold of {level} is not among mask values: use 1 to 255.")
    encoding = BinaryEncoding(
        level, meaning=f"values from {level} on are foreground", palette=data.encoding.palette
    )
    return _change(data, f"Foreground from a mask value of {level} on", mask_rule=encoding.to_dict())


@needs("change")
def merge(data: DataFolder, classes: Sequence[str], name: str) -> DataFolder:
    """These classes as one, called `name`. Raises UserError unless two classes are left."""
    encoding = _class_encoding(data)
    task = encoding.task
    chosen = [c for c in task.classes if c in classes]
    if len(chosen) < 2:
        raise UserError("Choose two classes or more to merge.")
    if len(task.classes) - len(chosen) + 1 < 2:
        raise UserError("Two classes have to be left: to find just one thing, choose foreground instead.")
    kept = [c for c in task.classes if c not in chosen[1:]]
    index = {c: kept.index(chosen[0] if c in chosen else c) for c in task.classes}
    values = tuple(v for c, v in zip(task.classes, task.values, strict=True) if c in kept)
    merged = [(v, index[task.classes[i]]) for v, i in encoding.merged]
    merged += [(v, index[c]) for c, v in zip(task.classes, task.values, strict=True) if c not in kept]
    names = checked_names([name.strip() or chosen[0] if c == chosen[0] else c for c in kept])
    changed = replace(encoding, task=replace(task, classes=names, values=values), merged=tuple(merged))
    return _change(
        data, f"Merged {', '.join(chosen)} into {names[index[chosen[0]]]}", mask_rule=changed.to_dict()
    )


@needs("change")
def ignore(data: DataFolder, classes: Sequence[str]) -> DataFolder:
    """Pixels of these classes count neither in training nor in scores, like void."""
    encoding = _class_encoding(data)
    task = encoding.task
    kept = [c for c in task.classes if c not in classes]
    if len(kept) < 2:
        raise UserError("Two classes have to be left to tell apart.")
    values = tuple(v for c, v in zip(task.classes, task.values, strict=True) if c in kept)
    merged = [(v, kept.index(task.classes[i])) for v, i in encoding.merged if task.classes[i] in kept]
    before = {*task.values, *(value for value, _ in encoding.merged)}
    ignored = {*encoding.ignored, *(before - {*values, *(value for value, _ in merged)})}
    changed = replace(
        encoding,
        task=replace(task, classes=tuple(kept), values=values),
        merged=tuple(merged),
        ignored=tuple(sorted(ignored)),
    )
    gone = [c for c in task.classes if c not in kept]
    return _change(data, f"Ignored {', '.join(gone)}", mask_rule=changed.to_dict())


@needs("change")
def rename(data: DataFolder, names: Sequence[str]) -> DataFolder:
    """The classes under other names, in the same order."""
    task = data.encoding.task
    checked = checked_names(names)
    if len(checked) != len(task.classes):
        raise UserError(f"There are {len(task.classes)} classes: give as many names.")
    if isinstance(data.encoding, ClassEncoding):
        changed: MaskEncoding = replace(data.encoding, task=replace(task, classes=checked))
    else:
        raise UserError("Labels are named by their folders in masks/: rename those.")
    return _change(data, f"Renamed classes to {', '.join(checked)}", mask_rule=changed.to_dict())


@needs("change")
def as_foreground(data: DataFolder, classes: Sequence[str]) -> DataFolder:
    """Pixels of these classes are foreground, everything else is background."""
    encoding = _class_encoding(data)
    chosen = [c for c in encoding.task.classes if c in classes]
    if not chosen:
        raise UserError("Choose at least one class that is foreground.")
    changed = one_foreground(encoding, chosen)
    text = changed.meaning
    return _change(data, text[0].upper() + text[1:], mask_rule=changed.to_dict())


@needs("change")
def as_classes(data: DataFolder) -> DataFolder:
    """Every mask value a class of its own. Raises UserError where there are too many."""
    from core.data.classes import guess_classes
    from core.data.masks import VOID
    from core.data.tally import whole_tally

    masks = [pair.mask for pair in data.pairs]
    counts = whole_tally(masks).counts()
    void = VOID if VOID in counts and max((v for v in counts if v != VOID), default=0) < 64 else -1
    if not 2 <= len(counts) - (void in counts) <= MAX_CLASSES["multiclass"]:
        raise UserError(f"The masks hold {len(counts)} different values: that is not a set of classes.")
    return _change(data, "Every mask value is a class", mask_rule=guess_classes(masks, void).to_dict())


@needs("change")
def undo(data: DataFolder) -> DataFolder:
    """As it was before the last fix. Raises UserError when there is none."""
    about = read_about(data.root)
    past = about.get(HISTORY) or []
    if not past:
        raise UserError("There is nothing to undo.")
    before = past[-1].get("before", {})
    for key in _FIXED:
        about.pop(key, None)
    write_json(data.root / DATASET_FILE, {**about, **before, HISTORY: past[:-1]})
    return _opened(data.root)


def history(about: Mapping[str, Any]) -> list[str]:
    """What was changed by what dataset.json says (`about`), first to last."""
    return [str(entry.get("change") or entry.get("told", "")) for entry in about.get(HISTORY) or []]


def _change(data: DataFolder, change: str, **changes: Any) -> DataFolder:
    path = data.root / DATASET_FILE
    about = read_about(data.root) if path.is_file() else dict(data.about)
    if not SplitRecord.from_dict(about).split_of.keys() >= {pair.name for pair in data.pairs}:
        # Each photo's set is known before any photo is excluded: else what was held out could train.
        about = open_data(data.root).about
    about.setdefault("mask_rule", data.encoding.to_dict())
    before = {key: about[key] for key in _FIXED if key in about}
    past = [*(about.get(HISTORY) or []), {"change": change, "before": before}]
    _write(path, {**about, **changes, HISTORY: past})
    try:
        return _opened(data.root)
    except UserError:
        _write(path, about)
        raise


def _opened(root: Path) -> DataFolder:
    """The data set as it is now, with the sets of its photos written down before anybody sees them."""
    data = open_data(root)
    write_down(data)
    return data


def _write(path: Path, about: dict[str, Any]) -> None:
    try:
        write_json(path, about)
    except OSError as error:
        raise UserError(
            f"{path.parent} cannot be written to: import the data set into the app first."
        ) from error


def _binary_encoding(data: DataFolder) -> BinaryEncoding:
    if isinstance(data.encoding, BinaryEncoding):
        return data.encoding
    raise UserError("Masks of several classes have no inside and outside to swap.")


def _class_encoding(data: DataFolder) -> ClassEncoding:
    if isinstance(data.encoding, ClassEncoding):
        return data.encoding
    has = "a mask for each label" if isinstance(data.encoding, LayersEncoding) else "one foreground"
    raise UserError(f"{data.name} has {has}, not classes.")


def checked_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names of classes without blanks around them. Raises UserError where one is empty or two are alike."""
    checked = tuple(name.strip() for name in names)
    if not all(checked) or len({name.casefold() for name in checked}) < len(checked):
        raise UserError("Every class needs a name of its own.")
    Task("multiclass", checked, tuple(range(len(checked))))
    return checked


def _inverted_words(encoding: BinaryEncoding) -> str:
    return (
        encoding.meaning.removeprefix("inverted: ") if encoding.inverted else f"inverted: {encoding.meaning}"
    )


def _photos(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names):,} photos"
