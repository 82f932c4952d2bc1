"""Losses, schedules, architectures and other settings, each in a short training."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.config import DPT_ENCODER
from core.errors import UserError
from core.inference.predictor import Predictor
from core.models.factory import build_model, load_model
from core.runs.events import EpochEnd, Note
from tests.builders import of, slim, tiny, trained


@pytest.mark.parametrize("loss", ["focal", "tversky", "lovasz"])
@pytest.mark.parametrize("schedule", ["constant", "plateau"])
def test_more_losses_and_schedules_run(small_data: Path, tmp_path: Path, loss: str, schedule: str) -> None:
    config = slim(small_data, loss=loss, schedule=schedule, optimizer="sgd", gradient_clip=1.0, epochs=1)
    assert all(np.isfinite(e.validation_loss) for e in of(EpochEnd, trained(config, tmp_path / "run")))


def test_a_frozen_encoder_does_not_move_and_the_rest_does(small_data: Path, tmp_path: Path) -> None:
    config = slim(small_data, freeze_encoder=True, ema_decay=0.0, epochs=1, seed=3)
    torch.manual_seed(3)
    before = build_model(config).model.state_dict()
    trained(config, tmp_path / "run")
    after = load_model(tmp_path / "run" / "last")[0].state_dict()
    assert all(torch.equal(before[k], after[k]) for k in before if k.startswith("encoder."))
    assert any(not torch.equal(before[k], after[k]) for k in before if k.startswith("decoder."))


def test_micro_batches_give_the_step_of_the_whole(small_data: Path, tmp_path: Path) -> None:
    """Without normalisation over the batch, a step in two micro-batches is the step in one."""
    config = tiny(small_data, freeze_encoder=True, ema_decay=0.0, epochs=1, augmentation="none", loss="bce")
    config = replace(config, architecture="FPN")  # its norms are over groups of channels
    whole = of(EpochEnd, trained(config, tmp_path / "one"))[-1]
    parts = of(EpochEnd, trained(replace(config, batch_size=2, accumulate=2), tmp_path / "two"))[-1]
    assert parts.train_loss == pytest.approx(whole.train_loss, rel=0.25)


def test_an_exploding_loss_is_said(small_data: Path, tmp_path: Path) -> None:
    config = slim(small_data, learning_rate=10.0, optimizer="sgd", loss="bce", schedule="constant", epochs=40,
                  ema_decay=0.0)  # fmt: skip
    with pytest.raises(UserError, match="diverged"):
        trained(config, tmp_path / "run")


def test_early_stopping_ends_a_training_that_gains_nothing(small_data: Path, tmp_path: Path) -> None:
    config = slim(
        small_data, learning_rate=1e-8, epochs=30, early_stopping=2, ema_decay=0.0, schedule="constant"
    )
    events = trained(config, tmp_path / "run")
    assert of(EpochEnd, events)[-1].epoch < 30
    assert any("Stopped early" in n.text for n in of(Note, events))


@pytest.mark.parametrize("architecture", ["DPT", "Segformer", "DeepLabV3Plus"])
def test_other_architectures_train_and_open_again(
    small_data: Path, tmp_path: Path, architecture: str
) -> None:
    encoder = DPT_ENCODER if architecture == "DPT" else "resnet18"
    config = tiny(small_data, architecture=architecture, encoder=encoder, width=64, epochs=1)
    trained(config, tmp_path / "run")
    model, card = load_model(tmp_path / "run" / "best")
    assert card.architecture == architecture
    assert Predictor.of(model, card)(np.zeros((96, 128, 3), np.uint8)).shape == (96, 128)


def test_an_encoder_that_dpt_cannot_take_is_refused_at_once() -> None:
    with pytest.raises(UserError, match="vision transformer"):
        tiny(Path("x"), architecture="DPT")
