"""How a network is moved towards its masks: loss, optimizer, learning rate, averaged weights."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from core.config import TrainConfig

Loss = Callable[[Tensor, Tensor], Tensor]


def make_loss(config: TrainConfig) -> Callable[[Tensor, Tensor], Tensor]:
    """From logits and 0/1 float masks, both (b, 1, h, w), to a scalar."""
    from segmentation_models_pytorch.losses import DiceLoss

    bce, dice = nn.BCEWithLogitsLoss(), DiceLoss("binary")
    if config.loss == "bce":
        return bce
    if config.loss == "dice":
        return dice  # type: ignore[no-any-return]
    return lambda logits, masks: bce(logits, masks) + dice(logits, masks)


def make_optimizer(config: TrainConfig, model: nn.Module) -> torch.optim.Optimizer:
    if config.optimizer == "adam":
        return torch.optim.Adam(model.parameters(), lr=config.learning_rate)
    return torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)


def make_schedule(
    config: TrainConfig, optimizer: torch.optim.Optimizer, total_steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    """The learning rate over all steps of the training.

    "one-cycle": up over the first quarter, down along a cosine (Smith, https://arxiv.org/abs/1708.07120;
    torch's own OneCycleLR divides by zero in trainings of a few steps).
    """

    def one_cycle(step: int) -> float:
        rise = max(1, total_steps // 4)
        if step < rise:
            return 0.04 + 0.96 * step / rise
        return cosine_from(step - rise, max(1, total_steps - rise))

    def cosine_from(step: int, steps: int) -> float:
        return 0.001 + 0.999 * (1 + math.cos(math.pi * min(1.0, step / steps))) / 2

    shapes: dict[str, Callable[[int], float]] = {
        "one-cycle": one_cycle,
        "cosine": lambda step: cosine_from(step, total_steps),
        "constant": lambda step: 1.0,
    }
    return torch.optim.lr_scheduler.LambdaLR(optimizer, shapes[config.schedule])


def average_of(model: nn.Module, decay: float) -> AveragedModel:
    """A running average of weights whose memory grows with the steps taken, up to `decay`.

    Source of the warm-up: tf.train.ExponentialMovingAverage, (1 + t) / (10 + t).
    """

    def average(old: Tensor, new: Tensor, count: Tensor | int) -> Tensor:
        if not old.is_floating_point():
            return new
        steps = int(count)
        return torch.lerp(new, old, min(decay, (1 + steps) / (10 + steps)))

    return AveragedModel(model, avg_fn=average, use_buffers=True)
