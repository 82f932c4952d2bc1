"""A learning-rate finder: the rate rises step by step, and the best is where the loss falls fastest.

The range test of Smith (2017), https://arxiv.org/abs/1506.01186.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from core.config import TrainConfig
from core.data.dataset import as_task, open_data
from core.models.factory import build_model
from core.runs.events import Event, RateFound, RatePoint
from core.system.device import make_fabric, pick_device, seed_everything
from core.training import loading
from core.training.losses import class_weights
from core.training.steps import ShouldStop, take_step
from core.training.trainer import Trainer, set_up

LOWEST, HIGHEST = 1e-6, 1.0
STEPS = 60
BATCH = 8  # small batches are quick, and the result hardly depends on them
SMOOTHING = 0.85
BLOWN_UP = 3.0  # times the best loss: the rest would only be worse
IGNORED = 5  # first points, whose running mean still jumps


def sweep(config: TrainConfig, should_stop: ShouldStop = lambda: False) -> Iterator[Event]:
    """Train a fresh model for up to STEPS steps at rising rates. Yields RatePoints, then RateFound.

    Nothing is saved. Raises UserError when the data cannot be trained on.
    """
    batch = min(config.batch_size or BATCH, BATCH)
    config = replace(config, batch_size=batch, schedule="constant", ema_decay=0.0, accumulate=1)
    seed_everything(config.seed)
    fabric = make_fabric(config, pick_device(config.device))
    data = as_task(open_data(Path(config.data)), config.task, config.ignore_index, config.named_classes)
    stores = yield from loading.open_stores(data, config)
    task = data.encoding.task
    weights = class_weights(stores["train"], task) if config.class_weights == "balanced" else None
    trainer = set_up(config, build_model(config, task), task, fabric, STEPS, weights)
    points: list[RatePoint] = []
    batches = loading.training_batches(config, stores["train"], task, fabric.device.type)
    for point in _points(trainer, batches):
        points.append(point)
        yield point
        if should_stop() or point.smooth > BLOWN_UP * min(p.smooth for p in points):
            break
    yield RateFound(steepest(points))


def steepest(points: Sequence[RatePoint]) -> float:
    """The rate at which the smoothed loss falls fastest per factor of the rate, before its lowest point."""
    usable = points[IGNORED:]
    if len(usable) < 3:
        return 0.0
    lowest = min(range(len(usable)), key=lambda i: usable[i].smooth)
    end = max(2, lowest)
    drops = [usable[i].smooth - usable[i + 2].smooth for i in range(min(end, len(usable) - 2))]
    best = max(range(len(drops)), key=lambda i: drops[i]) + 1
    return float(f"{usable[best].rate:.1e}")


def _points(trainer: Trainer, batches: loading.Batches) -> Iterator[RatePoint]:
    trainer.training_mode()
    groups = trainer.optimizer.param_groups
    factors = [group["lr"] / trainer.config.learning_rate for group in groups]
    mean = 0.0
    for step, batch in enumerate(itertools.islice(_endless(batches), STEPS)):
        rate = LOWEST * (HIGHEST / LOWEST) ** (step / (STEPS - 1))
        for group, factor in zip(groups, factors, strict=True):
            group["lr"] = rate * factor
        loss = take_step(trainer, *batch)[0].item()
        if not math.isfinite(loss):
            return
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        yield RatePoint(step + 1, STEPS, rate, loss, mean / (1 - SMOOTHING ** (step + 1)))


def _endless(batches: loading.Batches) -> Iterator[tuple[Tensor, Tensor]]:
    while True:
        yield from batches
