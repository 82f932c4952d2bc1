"""Fixes are written down, undone step by step, and never touch files."""

from pathlib import Path

import numpy as np
import pytest

from core.data import fixes
from core.data.classes import ClassEncoding
from core.data.dataset import DataFolder, open_data
from core.data.store import read_pair
from core.errors import UserError
from core.task import Task
from tests.core.data.small_sets import classes


def foreground(data: DataFolder, name: str) -> float:
    pair = next(pair for pair in data.pairs if pair.name == name)
    return float(read_pair(pair, data.encoding)[1].mean())


def test_leaving_out_inverting_and_binarising_are_undone_step_by_step(small_data: Path) -> None:
    original = open_data(small_data)
    share = foreground(original, "04.jpg")
    data = fixes.exclude(original, ["01.jpg", "02.jpg"])
    assert len(data.pairs) == 8 and data.left_out == ("01.jpg", "02.jpg")
    data = fixes.invert(data, ["04.jpg"])
    assert foreground(data, "04.jpg") == pytest.approx(1 - share)
    assert foreground(data, "05.jpg") == foreground(original, "05.jpg")
    data = fixes.invert(data)
    assert foreground(data, "04.jpg") == pytest.approx(share)
    data = fixes.binarise(data, 200)
    assert data.encoding.to_dict()["level"] == 200
    assert len(fixes.history(data.about)) == 4
    for pairs in (8, 8, 8, 10):
        data = fixes.undo(data)
        assert len(data.pairs) == pairs
    assert data.encoding == original.encoding and foreground(data, "04.jpg") == share
    with pytest.raises(UserError, match="nothing to undo"):
        fixes.undo(data)


def test_files_are_never_touched_by_fixes(small_data: Path) -> None:
    before = {p: p.read_bytes() for p in small_data.rglob("*.*") if p.suffix in (".jpg", ".png")}
    data = fixes.invert(fixes.exclude(open_data(small_data), ["01.jpg"]))
    assert before == {p: p.read_bytes() for p in before} and len(data.pairs) == 9


def test_a_fix_that_leaves_nothing_is_refused_and_changes_nothing(small_data: Path) -> None:
    data = open_data(small_data)
    with pytest.raises(UserError, match="Fewer than two"):
        fixes.exclude(data, [pair.name for pair in data.pairs[:9]])
    assert len(open_data(small_data).pairs) == 10


def test_classes_are_merged_renamed_and_made_one_foreground(small_data: Path) -> None:
    data = classes(small_data)
    assert data.encoding.task == Task("multiclass", ("class 0", "class 1", "class 2"), (0, 1, 2), 255)
    pair = data.pairs[0]
    raw = read_pair(pair, data.encoding)[1]
    data = fixes.rename(data, ["ground", "legs", "head"])
    merged = fixes.merge(data, ["legs", "head"], "person")
    assert merged.encoding.task.classes == ("ground", "person")
    assert np.array_equal(read_pair(pair, merged.encoding)[1] == 1, (raw == 1) | (raw == 2))
    assert isinstance(merged.encoding, ClassEncoding) and merged.encoding == open_data(small_data).encoding
    only = fixes.as_foreground(fixes.undo(merged), ["head"])
    assert np.array_equal(read_pair(pair, only.encoding)[1] == 1, raw == 2)
    back = fixes.undo(fixes.undo(only))
    assert back.encoding.task.classes == ("class 0", "class 1", "class 2")
    with pytest.raises(UserError, match="name of its own"):
        fixes.rename(back, ["a", "A", "b"])


def test_ignored_classes_count_for_nothing(small_data: Path) -> None:
    data = classes(small_data)
    pair = data.pairs[0]
    raw = read_pair(pair, data.encoding)[1]
    less = read_pair(pair, fixes.ignore(data, ["class 1"]).encoding)[1]
    assert np.array_equal(less == 255, (raw == 1) | (raw == 255)) and np.array_equal(less == 1, raw == 2)
    with pytest.raises(UserError, match="Two classes"):
        fixes.ignore(open_data(small_data), ["class 0"])


def test_an_inverted_photo_is_still_inverted_when_it_is_restored(small_data: Path) -> None:
    data = fixes.invert(open_data(small_data), ["00.jpg", "01.jpg"])
    data = fixes.exclude(data, ["00.jpg"])
    data = fixes.invert(data, ["05.jpg"])
    data = fixes.restore(data, ["00.jpg"])
    assert [pair.name for pair in data.pairs if pair.inverted] == ["00.jpg", "01.jpg", "05.jpg"]


def test_inverting_twice_is_as_before_and_unknown_names_are_refused(small_data: Path) -> None:
    data = fixes.invert(fixes.invert(open_data(small_data), ["03.jpg"]), ["03.jpg"])
    assert not any(pair.inverted for pair in data.pairs)
    with pytest.raises(UserError, match="None of these photos"):
        fixes.invert(data, ["nobody.jpg"])
