"""The validation loss is that of all images as one batch."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from core.config import TrainConfig
from core.data.store import Store
from core.models.factory import Built, build_model
from core.task import IGNORE, Task
from core.training.trainer import Trainer, set_up
from core.training.validation import validate
from tests.builders import LOSSES, WHOLE_BATCH_LOSSES
from tests.core.stores import store_of

TASKS = {"binary": Task(), "multiclass": Task("multiclass", ("a", "b"), (0, 1), 9)}


@pytest.fixture(scope="module")
def built() -> dict[str, Built]:
    config = TrainConfig(data="none", encoder="resnet18", encoder_weights="none", encoder_depth=3)
    return {kind: build_model(config, task) for kind, task in TASKS.items()}


def labels_of_unequal_images() -> list[np.ndarray]:
    """One has hardly a known pixel, the last none."""
    labels = np.random.default_rng(0).integers(0, 2, (5, 32, 32), np.uint8)
    labels[1, 1:] = IGNORE
    labels[4] = IGNORE
    return list(labels)


def trainer_of(built: Built, task: Task, loss: str, batch_size: int) -> Trainer:
    config = TrainConfig(
        data="none", height=32, width=32, loss=loss, batch_size=batch_size, ema_decay=0.0, precision="fp32"
    )
    return set_up(config, replace(built), task, Fabric(accelerator="cpu", devices=1), 1)


def loss_of(trainer: Trainer, store: Store) -> float:
    return validate(trainer, store).loss


@pytest.mark.parametrize("loss", WHOLE_BATCH_LOSSES)
@pytest.mark.parametrize("kind", TASKS)
def test_the_validation_loss_is_that_of_all_images_whatever_the_batch_size(
    built: dict[str, Built], kind: str, loss: str
) -> None:
    task, labels = TASKS[kind], labels_of_unequal_images()
    store = store_of(labels, kind == "binary")
    trainer = trainer_of(built[kind], task, loss, 2)
    photos, masks = store.batch(range(5), 32, 32)
    wanted = trainer.loss(trainer.predict(photos), torch.from_numpy(masks)).item()
    found = [loss_of(trainer_of(built[kind], task, loss, size), store) for size in (1, 2, 5)]
    assert found == pytest.approx([wanted] * 3, abs=1e-5)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("kind", TASKS)
def test_a_photo_of_void_only_does_not_change_the_validation_loss(
    built: dict[str, Built], kind: str, loss: str
) -> None:
    labels = labels_of_unequal_images()
    trainer = trainer_of(built[kind], TASKS[kind], loss, 1)
    with_void, without = (loss_of(trainer, store_of(some, kind == "binary")) for some in (labels, labels[:4]))
    assert with_void == pytest.approx(without, abs=1e-7)
    assert without > 0
