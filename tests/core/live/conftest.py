"""One small network that is traced once for all tests of live models."""

import shutil
from pathlib import Path

import pytest
import torch

from core.config import TrainConfig
from core.export.template import write_template
from core.models.card import ModelCard
from core.models.factory import build_model, save_model
from core.task import Task

TASK = Task("multiclass", ("sky", "road", "car"), (0, 1, 2))


def small_model(folder: Path, seed: int) -> Path:
    """A saved model; another seed gives other weights of the same network."""
    config = TrainConfig(
        "-", encoder="resnet18", encoder_depth=3, encoder_weights="none", height=64, width=64,
    )  # fmt: skip
    torch.manual_seed(seed)
    card = ModelCard(
        f"Seed {seed}", "Unet", "resnet18", "none", height=64, width=64, long_side=96, task=TASK,
        scores={"dice_mean": 0.5 + seed / 100}, settings={"data": "/home/owner/secret"},
    )  # fmt: skip
    save_model(build_model(config, TASK).model.eval(), card, folder)
    return folder


@pytest.fixture(scope="session")
def traced_network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("traced")
    write_template(small_model(folder / "model", 0), folder / "network.onnx")
    return folder / "network.onnx"


@pytest.fixture
def traced_here(traced_network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tracing takes no time, as when another model of the network was opened before."""
    from core.live import models

    def copied(folder: Path, template: Path) -> None:
        shutil.copyfile(traced_network, template)

    monkeypatch.setattr(models, "_trace", copied)
