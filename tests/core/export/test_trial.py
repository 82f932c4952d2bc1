"""What an export costs in accuracy."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core.data.dataset import open_data
from core.errors import UserError
from core.export.trial import _in_time, calibration_photos, compare
from core.inference.predictor import Predictor
from core.models.card import ModelCard
from core.models.window import Window
from tests.builders import THREE


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
    trained = open_data(tmp_path / "data").pairs_of("train")[0].mask
    labels = np.asarray(Image.open(trained)).copy()
    labels[:2] = 2  # in training alone
    Image.fromarray(labels).save(trained)
    data = open_data(tmp_path / "data")
    card = ModelCard("Fixed", "", "", "none", long_side=64, task=THREE)
    trial = compare(Predictor.of(Fixed(1), card), Predictor.of(Fixed(0), card), data)
    # Half of each photo is sky, half road: of the two that occur one is found at 2/3, the other at 0.
    assert trial.dice_before == pytest.approx(1 / 3) and trial.dice_after == pytest.approx(1 / 3)


def test_windows_of_large_photos_are_compared_on_as_many_as_the_time_allows(
    small_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.export.trial.SCORING_SECONDS", 3.5)
    pairs, card = open_data(small_data).pairs, ModelCard("Fixed", "", "", "none", window=Window(32, 32))
    windows = Window(32, 32).count(64, 96)
    assert len(_in_time(pairs, card, 1 / windows)) == 3
    assert len(_in_time(pairs, card, 100.0)) == 1
    assert _in_time(list(pairs), replace(card, window=None), 100.0) == list(pairs)


def test_masks_are_compared_with_the_edges_that_the_model_has(
    small_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def scored(*about: object, refine: bool) -> list[object]:
        asked.append(refine)
        return []

    monkeypatch.setattr("core.export.trial.score_images", scored)
    for fine in (True, False):
        card = ModelCard("Fixed", "", "", "none", long_side=64, refine_edges=fine)
        predictor = Predictor.of(Fixed(1), card)
        with pytest.raises(UserError, match="None of the validation photos"):
            compare(predictor, predictor, open_data(small_data))
    assert asked == [True, True, False, False]


def test_int8_of_windows_is_calibrated_on_parts_of_photos(small_data: Path) -> None:
    found = calibration_photos(open_data(small_data), 4, Window(32, 64))
    assert len(found) == 4 and {photo.shape for photo in found} == {(32, 64, 3)}
