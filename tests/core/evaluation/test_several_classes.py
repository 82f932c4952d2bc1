"""Scores of several classes and of several labels a pixel."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import confusion_matrix, f1_score, jaccard_score

from core import cli
from core.data.dataset import open_data
from core.evaluation import metrics
from core.evaluation.cache import Evaluation, evaluate, panels
from core.evaluation.candidates import of_entry
from core.imaging import rendering
from core.models.registry import list_models
from core.runs import run_folder
from core.task import IGNORE, Task
from tests.builders import CAMERA, tiny, trained, write_camera


def test_scores_of_several_classes_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    truth, predicted = (rng.integers(0, 3, (4, 20, 20)).astype(np.uint8) for _ in range(2))
    truth[:, :2] = IGNORE
    counts = metrics.count_labels(torch.from_numpy(predicted), torch.from_numpy(truth), CAMERA)
    scores = metrics.summarise(counts, CAMERA)
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
    scores = metrics.summarise(metrics.count_labels(predicted, truth, CAMERA), CAMERA)
    assert scores.class_dice[2] == 1.0
    assert scores.dice_pooled == pytest.approx((scores.class_dice[0] + scores.class_dice[1]) / 2)


def test_several_labels_are_scored_one_by_one() -> None:
    task = Task("multilabel", ("a", "b"))
    truth = torch.tensor([[[0b01, 0b11], [0b10, 0b00]]], dtype=torch.uint8)
    scores = metrics.summarise(metrics.count_labels(truth, truth, task), task)
    assert scores.dice_pooled == scores.pixel_accuracy == 1.0
    worse = metrics.summarise(metrics.count_labels(truth & 1, truth, task), task)
    assert worse.class_dice == (1.0, 0.0)


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
