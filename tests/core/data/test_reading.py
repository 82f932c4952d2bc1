"""Masks are read as a model was taught to, with a word where that is not as they are, or not at all."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import cli
from core.config import TrainConfig
from core.data import fixes
from core.data.dataset import DataFolder, as_task, open_data
from core.data.reading import for_model, reading
from core.data.store import read_pair
from core.errors import UserError
from core.models.factory import build_model, save_model
from core.task import IGNORE, Task
from tests.builders import LIGHT_ENCODER, untrained_card, write_camera, write_scenes

THREE = Task("multiclass", ("sky", "road", "car"), (0, 1, 2), 7)
TWO = Task("multiclass", ("background", "person"), (0, 1))


def streets(folder: Path, names: tuple[str, ...] = ()) -> DataFolder:
    """Values 0, 1 and 2 are classes, 7 is void; named where names are given."""
    data = fixes.as_classes(open_data(write_camera(folder)))
    data = fixes.ignore(data, ["class 7"])
    return fixes.rename(data, names) if names else data


def labels_of(data: DataFolder, task: Task) -> np.ndarray:
    return read_pair(data.pairs[0], for_model(data, task).encoding)[1]


def raw(data: DataFolder) -> np.ndarray:
    return np.asarray(Image.open(data.pairs[0].mask))


def layered(folder: Path) -> DataFolder:
    write_scenes(folder, 3)
    masks = folder / "masks"
    for name in ("dog", "cat"):
        (masks / name).mkdir()
    for path in sorted(masks.glob("*.png")):
        (masks / "cat" / path.name).write_bytes(path.read_bytes())
        path.rename(masks / "dog" / path.name)
    return open_data(folder)


def test_masks_of_0_and_255_are_no_masks_of_three_classes(small_data: Path) -> None:
    with pytest.raises(UserError, match="mark one foreground"):
        for_model(open_data(small_data), THREE)


def test_two_classes_are_background_and_foreground(small_data: Path) -> None:
    data = fixes.invert(open_data(small_data), ["01.jpg"])
    read = reading(data, TWO)
    assert "person" in read.note and read.encoding.task == TWO
    for pair in data.pairs[:2]:
        assert np.array_equal(read_pair(pair, read.encoding)[1], read_pair(pair, data.encoding)[1])


def test_the_command_line_refuses_with_the_reason(
    tmp_path: Path, small_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from dataclasses import replace

    config = TrainConfig("x", encoder=LIGHT_ENCODER, encoder_weights="none")
    model = build_model(config, THREE).model
    save_model(model, replace(untrained_card(), task=THREE), tmp_path / "model")
    assert cli.main(["evaluate", "--model", str(tmp_path / "model"), "--data", str(small_data)]) != 0
    assert "mark one foreground" in capsys.readouterr().err
    ids = write_camera(tmp_path / "camera")
    arguments = ["evaluate", "--model", str(tmp_path / "model"), "--data", str(ids), "--json"]
    assert cli.main(arguments) == 0
    out = capsys.readouterr()
    assert (
        json.loads(out.out.strip().splitlines()[-1])["masks"]
        == "The masks of camera are read as class indices."
    )
    assert "read as class indices" in out.err


def test_ids_that_the_model_was_taught_are_read_as_its_classes(tmp_path: Path) -> None:
    data = open_data(write_camera(tmp_path / "camera"))
    assert "read as class indices" in reading(data, THREE).note
    found = labels_of(data, THREE)
    assert np.array_equal(found, np.where(raw(data) == 7, IGNORE, raw(data)))


def test_ids_that_the_model_was_not_taught_are_refused_and_named(tmp_path: Path) -> None:
    data = open_data(write_camera(tmp_path / "camera"))
    with pytest.raises(UserError, match=r"hold the values 2, 7,.*not classes of the model \(0, 1\)"):
        for_model(data, TWO)


def test_classes_of_the_same_names_are_the_same_in_whatever_order(tmp_path: Path) -> None:
    data = streets(tmp_path / "set", ("Car", "sky", "road"))
    found = labels_of(data, THREE)
    for name, value in (("car", 0), ("sky", 1), ("road", 2)):
        assert np.array_equal(found == THREE.classes.index(name), raw(data) == value)
    assert "by their names" in reading(data, THREE).note


def test_classes_without_names_are_the_same_by_their_values(tmp_path: Path) -> None:
    data = streets(tmp_path / "set")
    assert np.array_equal(labels_of(data, THREE), np.where(raw(data) == 7, IGNORE, raw(data)))
    assert "by their mask values" in reading(data, THREE).note


def test_an_ignored_class_stays_ignored_for_a_model_that_knows_it(tmp_path: Path) -> None:
    data = fixes.ignore(streets(tmp_path / "set"), ["class 1"])
    assert set(np.unique(labels_of(data, THREE))) == {0, 2, IGNORE}
    assert "have no road" in reading(data, THREE).note


def test_merged_classes_are_taken_for_the_models(tmp_path: Path) -> None:
    four = Task("multiclass", ("sky", "road", "car", "dog"), (0, 1, 2, 3))
    data = fixes.merge(streets(tmp_path / "set", ("sky", "road", "car")), ["sky", "road"], "road")
    found = labels_of(data, four)
    assert np.array_equal(found == 1, raw(data) < 2) and np.array_equal(found == 2, raw(data) == 2)


def test_a_class_that_the_model_does_not_know_is_ignored_with_a_word(tmp_path: Path) -> None:
    data = streets(tmp_path / "set", ("background", "person", "dog"))
    assert (labels_of(data, TWO)[raw(data) == 2] == IGNORE).all()
    assert "does not know dog" in reading(data, TWO).note


def test_classes_of_other_names_are_refused(tmp_path: Path) -> None:
    data = streets(tmp_path / "set", ("background", "cat", "dog"))
    for task in (THREE, TWO):
        with pytest.raises(UserError, match="merge, rename or ignore"):
            for_model(data, task)


def test_a_model_of_one_foreground_finds_the_class_of_its_name_or_all_but_the_background(
    tmp_path: Path,
) -> None:
    data = streets(tmp_path / "set", ("background", "cat", "dog"))
    assert np.array_equal(labels_of(data, Task("binary", ("Dog",))) == 1, raw(data) == 2)
    plain = labels_of(data, Task())
    assert np.array_equal(plain == 1, np.isin(raw(data), (1, 2))) and (plain[raw(data) == 7] == IGNORE).all()
    assert "cat, dog are foreground" in reading(data, Task()).note


@pytest.mark.parametrize("task", [Task(), THREE, Task("multilabel", ("cat", "horse"))])
def test_a_mask_for_each_label_is_no_mask_of_anything_else(tmp_path: Path, task: Task) -> None:
    data = layered(tmp_path / "two")
    with pytest.raises(UserError, match="no masks for just these"):
        for_model(data, task)
    for kind in {"binary", "multiclass"} & {task.kind}:
        with pytest.raises(UserError, match="a mask for each"):
            as_task(data, kind)


def test_what_is_read_as_it_is_needs_no_word(tmp_path: Path, small_data: Path) -> None:
    layers = layered(tmp_path / "two")
    assert reading(layers, layers.encoding.task).note == ""
    assert reading(open_data(small_data), Task()).note == ""
    named = streets(tmp_path / "set", THREE.classes)
    assert reading(named, THREE).note == "" and for_model(named, THREE) is named
