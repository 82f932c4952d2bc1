"""Pixels that nobody knows (void) count neither in the loss nor in the scores of a training."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core.config import TrainConfig
from core.data.masks import BinaryEncoding, resize_mask
from core.data.transforms import augmentation, variants
from core.errors import UserError
from core.evaluation import metrics
from core.runs.events import EpochEnd, Finished
from core.task import IGNORE, Task
from core.training.losses import class_weights, make_loss
from tests.builders import LOSSES, slim, tiny, trained, write_camera, write_scenes
from tests.core.stores import store_of

BINARY = Task()


THREE = Task("multiclass", ("sky", "road", "car"), (0, 1, 2))


KINDS = pytest.mark.parametrize("task", [BINARY, THREE], ids=["binary", "multiclass"])


def some_batch(task: Task, images: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (images, outputs, 8, 8) and labels (images, 8, 8) of which the upper half is void."""
    made = torch.Generator().manual_seed(3)
    logits = torch.randn(images, task.outputs, 8, 8, generator=made)
    labels = torch.randint(0, max(2, task.outputs), (images, 8, 8), generator=made).to(torch.uint8)
    labels[:, :4] = IGNORE
    return logits, labels


def gradient(loss: object, logits: torch.Tensor, labels: torch.Tensor) -> tuple[float, torch.Tensor]:
    leaf = logits.clone().requires_grad_()
    value = loss(leaf, labels)  # type: ignore[operator]
    value.backward()
    assert leaf.grad is not None
    return value.item(), leaf.grad


@KINDS
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_batch_without_known_pixels_contributes_nothing(task: Task, name: str, weighted: bool) -> None:
    weights = torch.linspace(0.5, 2, task.outputs) if weighted else None
    logits, labels = some_batch(task)
    value, slope = gradient(
        make_loss(TrainConfig("x", loss=name), task, weights), logits, torch.full_like(labels, IGNORE)
    )
    assert value == 0 and torch.equal(slope, torch.zeros_like(slope))


@KINDS
@pytest.mark.parametrize("name", LOSSES)
def test_the_loss_is_that_of_the_known_pixels_alone(task: Task, name: str) -> None:
    loss = make_loss(TrainConfig("x", loss=name), task)
    logits, labels = some_batch(task)
    value, slope = gradient(loss, logits, labels)
    below, below_slope = gradient(loss, logits[:, :, 4:], labels[:, 4:])
    assert value == pytest.approx(below, rel=1e-5)
    assert torch.allclose(slope[:, :, 4:], below_slope, atol=1e-6)
    assert torch.equal(slope[:, :, :4], torch.zeros_like(slope[:, :, :4]))


@KINDS
def test_counts_leave_the_void_out(task: Task) -> None:
    logits, labels = some_batch(task)
    predicted = task.predicted(logits)
    every = metrics.count_labels(predicted, labels, task)
    below = metrics.count_labels(predicted[:, 4:], labels[:, 4:], task)
    for name in ("tp", "fp", "fn", "tn"):
        assert torch.equal(getattr(every, name), getattr(below, name)), name


@KINDS
def test_an_image_without_known_pixels_is_no_part_of_the_mean(task: Task) -> None:
    logits, labels = some_batch(task, images=3)
    predicted = task.predicted(logits)
    first_two = metrics.summarise(metrics.count_labels(predicted[:2], labels[:2], task), task)
    labels[2] = IGNORE
    assert metrics.summarise(metrics.count_labels(predicted, labels, task), task) == first_two


def test_class_weights_do_not_take_void_for_foreground(tmp_path: object) -> None:
    labels = np.zeros((4, 10), np.uint8)
    labels[0, :8], labels[1:3] = 1, IGNORE
    assert class_weights(store_of([labels]), BINARY).item() == pytest.approx(12 / 8)
    nothing = store_of([np.full((4, 10), IGNORE, np.uint8)])
    assert class_weights(nothing, BINARY).isfinite().all() and class_weights(nothing, THREE).isfinite().all()


@pytest.mark.parametrize("size", [(20, 30), (64, 96), (100, 140)])
def test_void_survives_another_resolution_and_blends_with_nothing(size: tuple[int, int]) -> None:
    mask = np.zeros((64, 96), np.uint8)
    mask[:, 32:], mask[:, 64:] = IGNORE, 1
    resized = resize_mask(mask, size)
    third = size[1] / 3
    assert resized.shape == size and set(np.unique(resized)) == {0, 1, IGNORE}
    for value in (0, IGNORE, 1):
        assert abs((resized == value).sum(axis=1) - third).max() <= 1


def test_thin_foreground_beside_void_is_judged_by_its_known_neighbours() -> None:
    mask = np.full((4, 4), IGNORE, np.uint8)
    mask[:2] = [[1, 1, 0, 0], [1, 0, 0, 0]]
    assert resize_mask(mask, (2, 2)).tolist() == [[1, 0], [IGNORE, IGNORE]]


@pytest.mark.parametrize("kind", ["none", "tutorial", "light", "standard", "strong"])
def test_every_augmentation_keeps_void_as_void(kind: str) -> None:
    photo = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    labels = np.zeros((60, 80), np.uint8)
    labels[20:40, 20:60], labels[18:42, 40:44] = 1, IGNORE
    found = [made for _, made in variants(photo, labels, augmentation(kind, 32, 48), range(20))]
    assert set(np.unique(found)) == {0, 1, IGNORE}


def test_void_in_a_batch_of_one_size_is_void(tmp_path: object) -> None:
    labels = np.zeros((12, 16), np.uint8)
    labels[:, :6], labels[:, 12:] = IGNORE, 1
    for store in (store_of([labels]), replace(store_of([labels]), is_binary=False)):
        _, masks = store.batch([0], 6, 8)
        assert masks[0].tolist() == [[IGNORE] * 3 + [0] * 3 + [1] * 2] * 6


def test_masks_of_background_and_void_hold_nothing_to_learn(tmp_path: Path) -> None:
    data = write_scenes(tmp_path / "set", 4)
    for path in (data / "masks").iterdir():
        values = np.zeros_like(np.asarray(Image.open(path)))
        values[::2] = 255
        Image.fromarray(values).save(path)
    encoding = BinaryEncoding(1, 255, "0 is background, 1 is foreground, 255 is void")
    (data / "dataset.json").write_text(json.dumps({"mask_rule": encoding.to_dict()}))
    with pytest.raises(UserError, match="nothing to learn"):
        trained(slim(data), tmp_path / "run")


@pytest.mark.parametrize("loss", ["bce", "lovasz", "focal"])
def test_a_photo_of_void_alone_does_not_end_a_training_one_photo_at_a_time(tmp_path: Path, loss: str) -> None:
    data = write_camera(tmp_path / "camera", 6)
    for number in (1, 4):
        Image.fromarray(np.full((64, 64), 7, np.uint8)).save(data / "masks" / f"{number}.png")
    events = trained(
        tiny(data, task="multiclass", ignore_index=7, class_names="sky,road,car", epochs=1, width=64,
             batch_size=1, loss=loss), tmp_path / "run",
    )  # fmt: skip
    last = [event for event in events if isinstance(event, EpochEnd)][-1]
    assert last.train_loss and math.isfinite(last.train_loss) and math.isfinite(last.validation_loss)
    assert isinstance(events[-1], Finished) and events[-1].reason == "done"
