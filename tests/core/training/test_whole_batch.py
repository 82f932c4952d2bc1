"""A step in micro-batches is the step of the whole batch."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import segmentation_models_pytorch as smp
import torch

from core.config import TrainConfig
from core.errors import UserError
from core.models.factory import build_model
from core.system.device import make_fabric, seed_everything
from core.task import IGNORE, Task
from core.training import batch_size, steps
from core.training.losses import TVERSKY, make_loss
from core.training.steps import take_step
from core.training.trainer import Trainer, set_up
from core.training.whole_batch import backward
from tests.builders import LIGHT_ENCODER, WHOLE_BATCH_LOSSES, slim, tiny, trained

NAMES = ("a", "b", "c")
TASKS = {
    "binary": Task(),
    "multiclass": Task("multiclass", NAMES, (0, 1, 2)),
    "multilabel": Task("multilabel", NAMES),
}


def labels_for(task: Task, images: int, side: int, void: bool = True) -> torch.Tensor:
    """Uneven: images differ in how much they hold, which is what a mean over micro-batches gets wrong."""
    random = torch.Generator().manual_seed(0)
    highest = 2 if task.kind == "binary" else 3
    labels = torch.randint(0, highest, (images, side, side), generator=random, dtype=torch.uint8)
    for i in range(images):
        labels[i, : side * i // images] = 0
    if void and task.has_void:
        labels[0, : side // 2] = IGNORE
    return labels


def trainer_of(task: Task, **changes: object) -> Trainer:
    """Norms over groups of channels in the decoder, a frozen encoder, no dropout: images do not meet
    before the loss."""
    config = TrainConfig(
        "x", architecture="FPN", encoder=LIGHT_ENCODER, encoder_weights="none", height=64, width=64,
        freeze_encoder=True, device="cpu", precision="fp32", optimizer="sgd", schedule="constant",
        **changes,
    )  # fmt: skip
    seed_everything(0)
    built = build_model(config, task)
    for module in built.model.modules():
        if isinstance(module, torch.nn.Dropout | torch.nn.Dropout2d):
            module.p = 0.0
    trainer = set_up(config, built, task, make_fabric(config, "cpu"), 1)
    trainer.training_mode()
    return trainer


def gradient(trainer: Trainer, pictures: torch.Tensor, labels: torch.Tensor, count: int) -> torch.Tensor:
    trainer.optimizer.zero_grad()
    backward(trainer, list(zip(pictures.tensor_split(count), labels.tensor_split(count), strict=True)))
    return torch.cat([p.grad.flatten() for p in trainer.plain.parameters() if p.grad is not None])


@pytest.mark.parametrize("kind", list(TASKS))
@pytest.mark.parametrize("loss", WHOLE_BATCH_LOSSES)
def test_the_gradient_of_micro_batches_is_that_of_the_whole(kind: str, loss: str) -> None:
    trainer = trainer_of(TASKS[kind], loss=loss)
    pictures = torch.randint(0, 256, (8, 3, 64, 64), dtype=torch.uint8)
    labels = labels_for(TASKS[kind], 8, 64)
    whole = gradient(trainer, pictures, labels, 1)
    assert whole.norm() > 0
    for count in (3, 8):
        parts = gradient(trainer, pictures, labels, count)
        assert (parts - whole).norm() / whole.norm() < 1e-3


@pytest.mark.parametrize("kind", list(TASKS))
def test_the_loss_of_pieces_is_that_of_the_whole(kind: str) -> None:
    trainer = trainer_of(TASKS[kind])
    pictures = torch.randint(0, 256, (6, 3, 64, 64), dtype=torch.uint8)
    labels = labels_for(TASKS[kind], 6, 64)
    before = [p.clone() for p in trainer.plain.parameters()]
    whole = take_step(trainer, pictures, labels)[0].item()
    with torch.no_grad():
        for p, b in zip(trainer.plain.parameters(), before, strict=True):
            p.copy_(b)
    trainer.micro_batches = 4
    assert take_step(trainer, pictures, labels)[0].item() == pytest.approx(whole, rel=1e-5)


@pytest.mark.parametrize("kind", list(TASKS))
@pytest.mark.parametrize(
    ("loss", "named", "settings"),
    [("dice", "DiceLoss", {}), ("focal", "FocalLoss", {}), ("tversky", "TverskyLoss", TVERSKY)],
)
def test_losses_are_smps(kind: str, loss: str, named: str, settings: dict[str, float]) -> None:
    task = TASKS[kind]
    theirs = getattr(smp.losses, named)(kind, ignore_index=IGNORE if task.has_void else None, **settings)
    ours = make_loss(TrainConfig("x", loss=loss), task)
    logits, labels = torch.randn(4, task.outputs, 16, 16) * 3, labels_for(task, 4, 16)
    labels[labels == 2] = 0  # a class that does not occur
    assert ours(logits, labels).item() == pytest.approx(theirs(logits, task.target(labels)).item(), rel=1e-5)


def test_the_second_pass_is_the_first_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dropout drops the same, and running statistics count each image once."""
    config = tiny(Path("x"), architecture="DeepLabV3Plus", encoder="resnet18", width=64, ema_decay=0.0)
    seed_everything(0)
    trainer = set_up(config, build_model(config), Task(), make_fabric(config, "cpu"), 1)
    trainer.training_mode()
    assert any(isinstance(m, torch.nn.Dropout) and m.p > 0 for m in trainer.plain.modules())
    seen: list[torch.Tensor] = []
    sums = trainer.loss.sums

    def noted(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        seen.append(logits.detach().clone())
        return sums(logits, labels)

    trainer.loss = replace(trainer.loss, sums=noted)
    trainer.micro_batches = 3
    take_step(trainer, torch.randint(0, 256, (6, 3, 64, 64), dtype=torch.uint8), labels_for(Task(), 6, 64))
    assert len(seen) == 6
    for first, second in zip(seen[:3], seen[3:], strict=True):
        assert torch.equal(first, second)
    norms = [m for m in trainer.plain.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert {int(m.num_batches_tracked) for m in norms} == {3}


@pytest.mark.parametrize("architecture", ["DeepLabV3Plus", "DeepLabV3", "PSPNet", "PAN", "UPerNet", "Unet"])
def test_one_image_at_a_time_trains_whatever_the_network_pools(architecture: str) -> None:
    side = {"Unet": 32, "PAN": 128}.get(architecture, 64)  # Unet: 1x1 at the encoder's end
    size = {"height": side, "width": side}
    config = tiny(Path("x"), architecture=architecture, encoder="resnet18", ema_decay=0.0, **size)
    trainer = set_up(config, build_model(config), Task(), make_fabric(config, "cpu"), 1)
    trainer.training_mode()
    images = torch.randint(0, 256, (2, 3, config.height, config.width), dtype=torch.uint8)
    labels = torch.randint(0, 2, (2, config.height, config.width), dtype=torch.uint8)
    assert take_step(trainer, images[:1], labels[:1])[0].isfinite()
    trainer.micro_batches = 2
    assert take_step(trainer, images, labels)[0].isfinite()
    norms = [m for m in trainer.plain.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert all(m.training for m in norms)


def test_a_gradient_that_is_no_number_ends_in_the_sentence_on_divergence(
    small_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = steps.whole_batch.backward

    def broken(trainer: Any, parts: Any) -> Any:
        result = real(trainer, parts)
        next(p for p in trainer.plain.parameters() if p.grad is not None).grad.fill_(torch.nan)
        return result

    monkeypatch.setattr(steps.whole_batch, "backward", broken)
    with pytest.raises(UserError, match=r"no longer a number .* diverged"):
        trained(slim(small_data, gradient_clip=1.0, ema_decay=0.0), tmp_path / "run")


@pytest.mark.parametrize("accumulate", [1, 8])
def test_the_batch_size_is_tried_as_it_will_be_held_in_memory(
    monkeypatch: pytest.MonkeyPatch, accumulate: int
) -> None:
    tried: list[int] = []
    real = batch_size.take_step

    def noted(trainer: Any, pictures: Any, labels: Any) -> Any:
        tried.append(-(-len(pictures) // min(trainer.micro_batches, len(pictures))))
        return real(trainer, pictures, labels)

    monkeypatch.setattr(batch_size, "take_step", noted)
    monkeypatch.setattr(batch_size, "GAIN", 0.0)  # every doubling pays
    config = tiny(Path("x"), batch_size=0, accumulate=accumulate, ema_decay=0.0)
    fabric = make_fabric(config, "cpu")
    found = batch_size.largest_that_pays(config, build_model(config), Task(), fabric, 8 * 8 * accumulate)
    assert found == max(tried) == 8
