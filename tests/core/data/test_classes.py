"""Masks that tell several things apart, from the file to labels."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data.classes import encoding_from_dict, guess_classes
from core.data.dataset import as_task, may_hold_classes, open_data
from core.data.pairing import find_pairs
from core.data.reading import for_model
from core.data.store import read_pair
from core.errors import UserError
from core.task import IGNORE, Task
from tests.builders import CAMERA, write_camera, write_scenes


def test_values_become_classes_and_void_is_ignored(tmp_path: Path) -> None:
    data = as_task(open_data(write_camera(tmp_path / "camera")), "multiclass", 7, CAMERA.classes)
    assert data.encoding.task == CAMERA
    pair = data.pairs[0]
    labels = read_pair(pair, data.encoding)[1]
    raw = np.asarray(Image.open(pair.mask))
    assert set(np.unique(labels)) == {0, 1, 2, IGNORE}
    assert np.array_equal(labels == IGNORE, raw == 7) and np.array_equal(labels == 2, raw == 2)
    assert encoding_from_dict(json.loads(json.dumps(data.encoding.to_dict()))) == data.encoding


def test_unnamed_classes_are_named_by_their_values(tmp_path: Path) -> None:
    encoding = as_task(open_data(write_camera(tmp_path / "camera")), "multiclass").encoding
    assert encoding.task.classes == ("class 0", "class 1", "class 2", "class 7")


def test_masks_of_ids_are_offered_as_classes_and_others_are_not(tmp_path: Path, small_data: Path) -> None:
    assert may_hold_classes(write_camera(tmp_path / "camera"))
    assert not may_hold_classes(small_data)


def test_photographs_of_masks_are_no_classes(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 2**16, (64, 64), dtype=np.uint16)
    Image.fromarray(noise).save(tmp_path / "mask.png")
    with pytest.raises(UserError, match="different values"):
        guess_classes([tmp_path / "mask.png"])


def test_several_labels_need_a_file_each(small_data: Path) -> None:
    with pytest.raises(UserError, match="one mask for each"):
        as_task(open_data(small_data), "multilabel")


def test_train_and_val_folders_keep_their_split(tmp_path: Path) -> None:
    write_scenes(tmp_path / "all" / "train", 4)
    write_scenes(tmp_path / "all" / "val", 3)
    data = open_data(tmp_path / "all")
    assert len(data.pairs_of("train")) == 4 and len(data.pairs_of("validation")) == 3
    assert all(p.name.startswith("val/") for p in data.pairs_of("validation"))
    assert len({p.name for p in data.pairs}) == 7
    assert open_data(tmp_path).root == tmp_path / "all"


def test_labels_lie_in_bits_and_photos_without_one_are_kept(tmp_path: Path) -> None:
    write_scenes(tmp_path / "two", 3)
    masks = tmp_path / "two" / "masks"
    for name in ("dog", "cat"):
        (masks / name).mkdir()
    for path in sorted(masks.glob("*.png")):
        (masks / "cat" / path.name).write_bytes(path.read_bytes())
        path.rename(masks / "dog" / path.name)
    (masks / "dog" / "00.png").unlink()
    data = open_data(tmp_path / "two")
    assert find_pairs(tmp_path / "two").layers == ("cat", "dog") and len(data.pairs) == 3
    values = [set(np.unique(read_pair(pair, data.encoding)[1])) for pair in data.pairs]
    assert values[0] == {0, 1} and values[1] == {0, 3}


def test_a_binary_model_reads_masks_of_classes_as_foreground_and_leaves_void_void(tmp_path: Path) -> None:
    data = as_task(open_data(write_camera(tmp_path / "camera")), "multiclass", 7)
    labels = read_pair(data.pairs[0], for_model(data, Task()).encoding)[1]
    raw = read_pair(data.pairs[0], data.encoding)[1]
    assert np.array_equal(labels == IGNORE, raw == IGNORE) and np.array_equal(labels == 0, raw == 0)
