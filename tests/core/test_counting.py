"""Pixels are counted in integers, and absent classes lift no score."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core.data.dataset import open_data
from core.evaluation import metrics
from core.export.trial import compare
from core.inference.predictor import Predictor
from core.models.card import ModelCard
from core.task import IGNORE, Task

THREE = Task("multiclass", ("sky", "road", "tree"), (0, 1, 2))


def test_a_photo_of_25_megapixels_is_counted_exactly_on_one_thread() -> None:
    truth = torch.ones(1, 5000, 5000, dtype=torch.uint8)
    predicted = truth.clone()
    predicted[:, :500] = 0
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        counts = metrics.count_labels(predicted, truth, THREE)
    finally:
        torch.set_num_threads(threads)
    assert counts.tp[0].tolist() == [0, 22_500_000, 0]
    assert counts.fp[0].tolist() == [2_500_000, 0, 0]
    assert counts.fn[0].tolist() == [0, 2_500_000, 0]
    assert counts.tn[0].tolist() == [22_500_000, 0, 25_000_000]
    assert metrics.summarise(counts, THREE).pixel_accuracy == 0.9


def test_counts_of_no_image_are_empty() -> None:
    nothing = torch.zeros(0, 4, 4, dtype=torch.uint8)
    assert metrics.count_labels(nothing, nothing, THREE).tp.shape == (0, 3)


def test_counts_of_classes_are_those_counted_one_by_one() -> None:
    rng = np.random.default_rng(0)
    truth = torch.from_numpy(rng.choice([0, 1, 2, IGNORE], (3, 9, 7)).astype(np.uint8))
    predicted = torch.from_numpy(rng.integers(0, 3, (3, 9, 7)).astype(np.uint8))
    counts = metrics.count_labels(predicted, truth, THREE)
    for label in range(3):
        single = metrics.count(predicted == label, truth == label, truth != IGNORE)
        for name in ("tp", "fp", "fn", "tn"):
            assert torch.equal(getattr(counts, name)[:, label], getattr(single, name)[:, 0])


class Fixed(torch.nn.Module):
    """The same class everywhere."""

    def __init__(self, label: int) -> None:
        super().__init__()
        self.label = label

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits = torch.zeros(len(images), 3, *images.shape[2:])
        logits[:, self.label] = 9
        return logits


def test_the_cost_of_int8_leaves_classes_out_that_do_not_occur(tmp_path: Path) -> None:
    for part in ("images", "masks"):
        (tmp_path / "data" / part).mkdir(parents=True)
    for i in range(5):
        labels = np.zeros((64, 64), np.uint8)
        labels[:32] = 1
        Image.new("RGB", (64, 64), (40 * i, 90, 120)).save(tmp_path / "data" / "images" / f"{i}.jpg")
        Image.fromarray(labels).save(tmp_path / "data" / "masks" / f"{i}.png")
    trained = open_data(tmp_path / "data").part("train")[0].mask
    labels = np.asarray(Image.open(trained)).copy()
    labels[:2] = 2  # in training alone
    Image.fromarray(labels).save(trained)
    data = open_data(tmp_path / "data")
    card = ModelCard("Fixed", "", "", "none", long_side=64, task=THREE)
    trial = compare(Predictor.of(Fixed(1), card), Predictor.of(Fixed(0), card), data)
    # Half of each photo is sky, half road: of the two that occur one is found at 2/3, the other at 0.
    assert trial.dice_before == pytest.approx(1 / 3) and trial.dice_after == pytest.approx(1 / 3)
