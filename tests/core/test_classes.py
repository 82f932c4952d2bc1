"""Masks that tell several things apart, from the file to the scores."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import confusion_matrix, f1_score, jaccard_score

from core import cli
from core.data.classes import encoding_from_dict, guess_classes
from core.data.dataset import as_task, may_hold_classes, open_data
from core.data.pairing import find_pairs
from core.data.reading import for_model
from core.data.store import read_pair
from core.errors import UserError
from core.evaluation import metrics
from core.evaluation.cache import Evaluation, evaluate, panels
from core.evaluation.candidates import of_entry
from core.imaging import palette, rendering
from core.models.registry import list_models
from core.runs import run_folder
from core.task import IGNORE, Task
from tests.builders import tiny, trained, write_camera, write_scenes

THREE = Task("multiclass", ("sky", "road", "car"), (0, 1, 2), 7)


def test_values_become_classes_and_void_is_ignored(tmp_path: Path) -> None:
    data = as_task(open_data(write_camera(tmp_path / "camera")), "multiclass", 7, THREE.classes)
    assert data.encoding.task == THREE
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
    assert len(data.part("train")) == 4 and len(data.part("validation")) == 3
    assert all(p.name.startswith("val/") for p in data.part("validation"))
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


def test_scores_of_several_classes_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    truth, predicted = (rng.integers(0, 3, (4, 20, 20)).astype(np.uint8) for _ in range(2))
    truth[:, :2] = IGNORE
    counts = metrics.count_labels(torch.from_numpy(predicted), torch.from_numpy(truth), THREE)
    scores = metrics.summarise(counts, THREE)
    known = truth != IGNORE
    flat = truth[known], predicted[known]
    assert scores.class_dice == pytest.approx(f1_score(*flat, average=None))
    assert scores.class_iou == pytest.approx(jaccard_score(*flat, average=None))
    assert scores.dice_pooled == pytest.approx(f1_score(*flat, average="macro"))
    assert scores.pixel_accuracy == pytest.approx((flat[0] == flat[1]).mean())
    each = [
        f1_score(t[t != IGNORE], p[t != IGNORE], average="macro")
        for t, p in zip(truth, predicted, strict=True)
    ]
    assert scores.dice_mean == pytest.approx(np.mean(each))
    matrix = metrics.confusion(torch.from_numpy(predicted), torch.from_numpy(truth), 3)
    assert np.array_equal(matrix.numpy(), confusion_matrix(*flat))


def test_a_class_that_occurs_nowhere_does_not_lift_the_mean() -> None:
    truth = torch.zeros(1, 4, 4, dtype=torch.uint8)
    predicted = truth.clone()
    predicted[0, 0] = 1
    scores = metrics.summarise(metrics.count_labels(predicted, truth, THREE), THREE)
    assert scores.class_dice[2] == 1.0
    assert scores.dice_pooled == pytest.approx((scores.class_dice[0] + scores.class_dice[1]) / 2)


def test_several_labels_are_scored_one_by_one() -> None:
    task = Task("multilabel", ("a", "b"))
    truth = torch.tensor([[[0b01, 0b11], [0b10, 0b00]]], dtype=torch.uint8)
    scores = metrics.summarise(metrics.count_labels(truth, truth, task), task)
    assert scores.dice_pooled == scores.pixel_accuracy == 1.0
    worse = metrics.summarise(metrics.count_labels(truth & 1, truth, task), task)
    assert worse.class_dice == (1.0, 0.0)


@pytest.mark.parametrize("task", [THREE, Task("multilabel", ("a", "b", "c"))])
def test_targets_and_predictions_are_inverse(task: Task) -> None:
    labels = torch.randint(0, 3, (2, 5, 5), dtype=torch.uint8)
    target = task.target(labels)
    if task.kind == "multiclass":
        target = torch.nn.functional.one_hot(target, 3).permute(0, 3, 1, 2)
    assert torch.equal(task.predicted(target.float() * 2 - 1), labels)


def test_a_model_of_several_classes_is_evaluated_compared_and_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data_folder = write_camera(tmp_path / "camera", 10)
    run = run_folder.create(
        tiny(data_folder, task="multiclass", ignore_index=7, class_names="sky,road,car", epochs=1, width=64)
    )
    trained(run.config, run.folder)
    model = run.best
    assert cli.main(["evaluate", "--model", str(model), "--data", str(data_folder), "--json"]) == 0
    scores = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert scores["classes"] == ["sky", "road", "car"] and np.sum(scores["confusion"]) > 0

    entry = next(e for e in list_models() if e.folder == model)
    data = open_data(data_folder)
    result = next(r for r in evaluate(of_entry(entry), data) if isinstance(r, Evaluation))
    judged = result.judged(entry.card.threshold)
    assert judged["dice"].mean() == pytest.approx(scores["dice_mean"])
    assert result.confusion == scores["confusion"] and result.histograms is None
    shown = panels(result, data.pair(judged["name"][0]), data, 0.5)
    assert shown.photo.shape[:2] == shown.truth.shape == shown.predicted.shape
    assert len(rendering.four_panels(shown.photo, shown.truth, shown.predicted, result.task)) == 4

    photo = str(data.pairs[0].image)
    out = tmp_path / "out"
    assert (
        cli.main(["predict", "--model", str(model), photo, "--out", str(out), "--save", "mask,overlay"]) == 0
    )
    mask = np.asarray(Image.open(next(out.glob("*_mask.png"))))
    assert mask.shape == (64, 64) and set(np.unique(mask)) <= {0, 1, 2}


def test_a_binary_model_reads_masks_of_classes_as_foreground_and_leaves_void_void(tmp_path: Path) -> None:
    data = as_task(open_data(write_camera(tmp_path / "camera")), "multiclass", 7)
    labels = read_pair(data.pairs[0], for_model(data, Task()).encoding)[1]
    raw = read_pair(data.pairs[0], data.encoding)[1]
    assert np.array_equal(labels == IGNORE, raw == IGNORE) and np.array_equal(labels == 0, raw == 0)


def test_colours_are_as_many_as_classes_and_apart() -> None:
    colours = palette.class_colours(30)
    assert colours.shape == (30, 3) and len({tuple(c) for c in colours.tolist()}) == 30
