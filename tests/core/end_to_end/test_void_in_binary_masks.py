"""Void in masks of one foreground, from the file to training, scores, pictures, painting and export."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from core.data import exporting, fixes, painting
from core.data.checks import Report, check
from core.data.dataset import DataFolder, as_task, open_data, write_down
from core.data.masks import BinaryEncoding
from core.data.pairing import Problem
from core.data.store import read_pair
from core.evaluation.boundaries import boundary_iou, hausdorff
from core.evaluation.per_image import measure
from core.evaluation.pictures import edge_picture
from core.evaluation.scoring import Scored, score_images
from core.evaluation.thresholds import histogram
from core.imaging import rendering
from core.inference.predictor import Predictor
from core.models.preprocessing import Preprocessing
from core.task import IGNORE, Task
from tests.builders import untrained_card

SIDE = 64
ENCODING = BinaryEncoding(1, 255, "0 is background, 1 is foreground, 255 is void")
BESIDE = np.s_[16:48, 40:48]  # void, right of the subject


def with_void(root: Path, count: int = 4) -> Path:
    """White squares on black, whose masks know nothing of a strip beside each: 0, 1, and 255 for void."""
    for part in ("images", "masks"):
        (root / part).mkdir(parents=True)
    for i in range(count):
        values = np.zeros((SIDE, SIDE), np.uint8)
        values[16:48, 16:40] = 1
        Image.fromarray(values * np.uint8(255)).save(root / "images" / f"{i}.png")
        values[BESIDE] = 255
        Image.fromarray(values).save(root / "masks" / f"{i}.png")
    (root / "dataset.json").write_text(json.dumps({"mask_rule": ENCODING.to_dict()}))
    return root


def labels_in(data: DataFolder, number: int = 0) -> NDArray[np.uint8]:
    return read_pair(data.pairs[number], data.encoding)[1]


class Bright(torch.nn.Module):
    """Takes for foreground what is bright, and the whole width from there to the picture's right edge."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        bright = images.mean(1, keepdim=True)
        return (bright.cummax(dim=3).values - 0.5) * 20


def bright_predictor() -> Predictor:
    plain = Preprocessing((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    return Predictor.of(Bright(), replace(untrained_card(), preprocessing=plain, long_side=SIDE))


def scored(data: DataFolder) -> Scored:
    found = next(iter(score_images(bright_predictor(), data.pairs, data.encoding, 0.5)))
    assert isinstance(found, Scored)
    return found


def test_void_is_found_in_the_masks_and_neither_foreground_nor_background(tmp_path: Path) -> None:
    root = with_void(tmp_path / "set")
    (root / "dataset.json").unlink()
    labels = labels_in(open_data(root))
    assert (labels[BESIDE] == IGNORE).all() and (labels[16:48, 16:40] == 1).all()
    assert (labels == IGNORE).sum() == 32 * 8


def test_void_of_an_inverted_pair_and_of_an_inverted_set_stays_void(tmp_path: Path) -> None:
    data = open_data(with_void(tmp_path / "set"))
    straight = labels_in(data)
    for names in (["0.png"], []):
        inverted = fixes.invert(data, names)
        labels = labels_in(inverted)
        assert np.array_equal(labels == IGNORE, straight == IGNORE)
        assert np.array_equal(labels == 1, straight == 0)
        fixes.undo(inverted)


def test_the_check_takes_void_for_no_foreground_and_names_masks_of_void_alone(tmp_path: Path) -> None:
    root = with_void(tmp_path / "set")
    Image.fromarray(np.full((SIDE, SIDE), 255, np.uint8)).save(root / "masks" / "3.png")
    report = next(
        step for step in check(fixes.invert(open_data(root), ["1.png"])) if isinstance(step, Report)
    )
    rows = report.table.set_index("name")
    known = SIDE * SIDE - 32 * 8
    assert rows.loc["0.png", "foreground"] == pytest.approx(32 * 24 / known)
    assert rows.loc["1.png", "foreground"] == pytest.approx(1 - 32 * 24 / known)
    assert "void" in rows.loc["3.png", "findings"].split() and "empty" not in rows.loc["3.png", "findings"]


def test_classes_that_are_ignored_stay_void_where_others_become_the_foreground(tmp_path: Path) -> None:
    root = with_void(tmp_path / "set")
    for path in (root / "masks").iterdir():
        values = np.asarray(Image.open(path)).copy()
        values[:8], values[56:] = 2, 3
        Image.fromarray(values).save(path)
    (root / "dataset.json").unlink()
    ignoring = fixes.ignore(fixes.as_classes(open_data(root)), ["class 2"])
    for data in (fixes.as_foreground(ignoring, ["class 1"]), as_task(ignoring, "binary")):
        labels = labels_in(data)
        assert (labels[:8] == IGNORE).all() and (labels[BESIDE] == IGNORE).all()
        assert (labels[16:48, 16:40] == 1).all() and (labels[10] == 0).all()
        assert BinaryEncoding.from_dict(json.loads(json.dumps(data.encoding.to_dict()))) == data.encoding


def test_predictions_on_void_are_not_counted(tmp_path: Path) -> None:
    result = scored(open_data(with_void(tmp_path / "set")))
    counts = {name: getattr(result.counts, name).item() for name in ("tp", "fp", "fn", "tn")}
    assert counts == {"tp": 32 * 24, "fp": 32 * 16, "fn": 0, "tn": SIDE * SIDE - 32 * 48}


def test_probabilities_on_void_are_in_no_histogram(tmp_path: Path) -> None:
    result = scored(open_data(with_void(tmp_path / "set")))
    assert result.probability is not None
    pixels, sums = histogram(result.probability, result.truth)
    known = result.truth != IGNORE
    assert pixels[0].sum() == (result.truth == 0).sum() and pixels[1].sum() == 32 * 24
    assert sums.sum() == pytest.approx(result.probability[known].sum(), rel=1e-5)


def test_an_image_of_void_alone_is_named_and_has_no_score(tmp_path: Path) -> None:
    root = with_void(tmp_path / "set")
    Image.fromarray(np.full((SIDE, SIDE), 255, np.uint8)).save(root / "masks" / "0.png")
    data = open_data(root)
    first, second, *_ = score_images(bright_predictor(), data.pairs, data.encoding, 0.5)
    assert isinstance(first, Problem) and "void" in first.sentence and first.name == "0.png"
    assert isinstance(second, Scored)


def test_edges_in_the_void_are_no_mistakes(tmp_path: Path) -> None:
    root = with_void(tmp_path / "set")
    for path in (root / "masks").iterdir():
        values = np.asarray(Image.open(path)).copy()
        values[16:48, 40:] = 255  # all of what the network finds too much
        Image.fromarray(values).save(path)
    result = scored(open_data(root))
    kept = tmp_path / "kept"
    kept.mkdir()
    row = measure(Task(), kept, SIDE, result).row
    assert row["boundary_iou"] == 1 and row["hd95"] == 0
    assert row["foreground"] == pytest.approx(32 * 24 / (SIDE * SIDE - 32 * 24))
    filled = np.where(result.truth == IGNORE, result.predicted, result.truth)
    assert boundary_iou(filled, result.predicted) == 1 and hausdorff(filled, result.predicted) == 0


def test_pictures_leave_void_uncoloured(tmp_path: Path) -> None:
    result = scored(open_data(with_void(tmp_path / "set")))
    truth, task = result.truth, Task()
    photo = np.full((SIDE, SIDE, 3), 100, np.uint8)
    errors = rendering.error_map(photo, truth, result.predicted.astype(bool))
    assert (errors[BESIDE] == errors[0, 0]).all()
    overlay = rendering.label_overlay(photo, truth, task)
    assert (overlay[18:46, 43:47] == 100).all() and (overlay[20:44, 20:36] != 100).any()
    assert not rendering.mask_layer(truth, task)[BESIDE][..., 3].any()
    assert not rendering.contour_layer(truth, task)[20:44, 44:60][..., 3].any()
    assert np.unique(rendering.pair_picture(photo, truth, "Mask", task)).tolist() == [0, 128, 255]
    drawn = edge_picture(photo, truth, result.predicted)
    assert not (drawn[BESIDE] == 255).all(axis=-1).any()


def test_painting_leaves_void_where_nothing_is_painted(tmp_path: Path) -> None:
    root = with_void(tmp_path / "set")
    write_down(open_data(root))
    waiting = painting.photos_of(root)[0]
    mask = painting.saved_mask(waiting)
    assert set(np.unique(mask)) == {0, 1} and not mask[BESIDE].any()
    mask[16:32, 40:48] = 1
    mask[40:48, 16:40] = 0
    painting.save_mask(waiting, mask)
    labels = labels_in(open_data(root))
    assert (labels[16:32, 40:48] == 1).all() and (labels[32:48, 40:48] == IGNORE).all()
    assert (labels[40:48, 16:40] == 0).all()


def test_a_damaged_mask_is_painted_anew(tmp_path: Path) -> None:
    root = with_void(tmp_path / "set")
    write_down(open_data(root))
    waiting = painting.photos_of(root)[0]
    waiting.mask.write_bytes(waiting.mask.read_bytes()[:60])
    painting.save_mask(waiting, np.ones((SIDE, SIDE), np.uint8))
    assert (labels_in(open_data(root)) == 1).all()


def test_an_exported_zip_brings_the_void_back(tmp_path: Path) -> None:
    data = open_data(with_void(tmp_path / "set"))
    for _ in exporting.export(data, tmp_path / "set.zip"):
        pass
    with zipfile.ZipFile(tmp_path / "set.zip") as archive:
        archive.extractall(tmp_path / "back")
    back = open_data(tmp_path / "back")
    for i in range(len(data.pairs)):
        assert np.array_equal(labels_in(back, i), labels_in(data, i))
