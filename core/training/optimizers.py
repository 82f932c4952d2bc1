"""Optimiser, learning-rate schedule, and exponential moving average of the weights."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, ReduceLROnPlateau
from torch.optim.swa_utils import AveragedModel

from core.config import TrainConfig

Tensors = tuple[Tensor, ...] | list[Tensor]
PLATEAU_FACTOR = 0.3
PLATEAU_PATIENCE = 2  # epochs


def make_optimizer(config: TrainConfig, model: nn.Module) -> torch.optim.Optimizer:
    """Adam, AdamW or SGD with Nesterov's momentum of 0.9, fused into one kernel where torch can.

    The encoder's parameters are a group of their own when `encoder_lr_multiplier` sets them apart. Frozen
    parameters are excluded. Weight decay is for what multiplies the input: not for norms and biases.
    """
    rate, decay = config.learning_rate, config.weight_decay
    groups = [
        {"params": kept, "lr": rate * factor, "weight_decay": decay if decays else 0.0}
        for factor, decays, kept in _groups(config, model)
        if kept
    ]
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=0.9, nesterov=True, fused=_can_fuse(model))
    if config.optimizer == "adam":  # without decay, as in the tutorial
        return torch.optim.Adam([{**g, "weight_decay": 0.0} for g in groups], lr=rate, fused=_can_fuse(model))
    return torch.optim.AdamW(groups, lr=rate, fused=_can_fuse(model))


def _groups(config: TrainConfig, model: nn.Module) -> list[tuple[float, bool, list[nn.Parameter]]]:
    """(factor of the learning rate, whether decayed, parameters)."""
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            factor = config.encoder_lr_multiplier if name.startswith("encoder.") else 1.0
            groups.setdefault((factor, parameter.ndim > 1), []).append(parameter)
    return [(factor, decays, parameters) for (factor, decays), parameters in groups.items()]


def _can_fuse(model: nn.Module) -> bool:
    return next(model.parameters()).device.type in ("cuda", "cpu")


def make_schedule(
    config: TrainConfig,
    optimizer: torch.optim.Optimizer,
    total_steps: int,
    time_used: Callable[[], float] | None = None,
) -> LRScheduler | ReduceLROnPlateau:
    """The learning rate over all steps of the training; "plateau" waits for epochs without gain.

    With `time_used`, the share of the time that has passed takes the place of the share of the steps: the
    schedule ends with the time, however fast the machine turns out to be.

    "one-cycle": up over the first quarter, down along a cosine (Smith, https://arxiv.org/abs/1708.07120;
    torch's own OneCycleLR divides by zero in trainings of a few steps).
    """
    if config.schedule == "plateau":
        return ReduceLROnPlateau(optimizer, "max", PLATEAU_FACTOR, PLATEAU_PATIENCE)

    def one_cycle(step: float) -> float:
        rise = max(1, total_steps // 4)
        if step < rise:
            return 0.04 + 0.96 * step / rise
        return cosine_from(step - rise, max(1, total_steps - rise))

    def cosine_from(step: float, steps: int) -> float:
        return 0.001 + 0.999 * (1 + math.cos(math.pi * min(1.0, step / steps))) / 2

    shapes: dict[str, Callable[[float], float]] = {
        "one-cycle": one_cycle,
        "cosine": lambda step: cosine_from(step, total_steps),
        "constant": lambda step: 1.0,
    }
    shape = shapes[config.schedule]
    if time_used is None:
        return LambdaLR(optimizer, shape)
    return LambdaLR(optimizer, lambda step: shape(time_used() * total_steps))


def average_of(model: nn.Module, decay: float) -> AveragedModel:
    """An exponential moving average of the weights whose decay grows with the steps, up to `decay`.

    Source of the warm-up: tf.train.ExponentialMovingAverage, (1 + t) / (10 + t).
    """

    @torch.no_grad()
    def average(kept: Tensors, new: Tensors, count: Tensor | int) -> None:
        if not kept[0].is_floating_point():
            torch._foreach_copy_(kept, new)
            return
        steps = int(count)
        torch._foreach_lerp_(kept, new, 1 - min(decay, (1 + steps) / (10 + steps)))

    return AveragedModel(model, multi_avg_fn=average, use_buffers=True)
