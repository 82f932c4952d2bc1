"""The batch size for this machine: doubled while it fits in memory and makes training faster."""

import time
from copy import deepcopy
from dataclasses import replace

import psutil
import torch
from lightning_fabric import Fabric

from core.config import TrainConfig
from core.errors import UserError
from core.models.factory import Built
from core.system.formatting import dimensions
from core.task import Task
from core.training.memory import is_out_of_memory, release
from core.training.steps import take_step
from core.training.trainer import Trainer, set_up

SMALLEST, LARGEST = 2, 256
STEPS_AN_EPOCH = 8  # with fewer, an epoch hardly moves the weights
GAIN = 1.05  # a doubling has to be this much faster: small batches learn more from an epoch
MEMORY_SHARE = 0.8


def largest_that_pays(config: TrainConfig, built: Built, task: Task, fabric: Fabric, images: int) -> int:
    """The batch size, over all processes, from real steps on a copy of the model.

    Raises UserError when not even two images fit.
    """
    ceiling = max(SMALLEST, min(LARGEST, images // STEPS_AN_EPOCH // fabric.world_size // config.accumulate))
    best, best_rate, size = 0, 0.0, SMALLEST
    while size <= ceiling:
        # A step of `accumulate` batches holds one of them at a time.
        tried = replace(config, batch_size=size, accumulate=1, compile="off")
        # One process decides for all: they would wait for each other for ever if they disagreed.
        rate, used = fabric.broadcast((_rate(tried, built, task, fabric), _memory_used(fabric)))
        if rate == 0 or (size > 8 and rate < best_rate * GAIN):
            break
        best, best_rate = size, max(rate, best_rate)
        if used > MEMORY_SHARE / 2:
            break
        size *= 2
    if not best:
        raise UserError(
            f"Memory is too small for {dimensions(config.height, config.width)} with {config.encoder}: "
            "choose a smaller size or encoder."
        )
    return best * fabric.world_size


def _rate(config: TrainConfig, built: Built, task: Task, fabric: Fabric) -> float:
    """Images a second of one step; 0 where it does not fit."""
    trainer = set_up(config, replace(built, model=deepcopy(built.model)), task, fabric, 1)
    trainer.training_mode()
    pictures = torch.zeros(config.batch_size, 3, config.height, config.width, dtype=torch.uint8)
    labels = torch.zeros(config.batch_size, config.height, config.width, dtype=torch.uint8)
    try:
        take_step(trainer, pictures, labels)
        _wait(trainer)
        start = time.perf_counter()
        take_step(trainer, pictures, labels)
        _wait(trainer)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return 0.0
    finally:
        release(str(fabric.device))
    return config.batch_size / (time.perf_counter() - start)


def _wait(trainer: Trainer) -> None:
    if trainer.fabric.device.type == "cuda":
        torch.cuda.synchronize(trainer.fabric.device)


def _memory_used(fabric: Fabric) -> float:
    """The largest share of the device's memory that this process has used."""
    if fabric.device.type == "cuda":
        total = torch.cuda.get_device_properties(fabric.device).total_memory
        return torch.cuda.max_memory_allocated(fabric.device) / total
    return psutil.Process().memory_info().rss / psutil.virtual_memory().total
