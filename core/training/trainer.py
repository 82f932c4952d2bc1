"""The model and what trains it, on its device."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from torch.optim.swa_utils import AveragedModel

from core.config import TrainConfig
from core.models.factory import Built
from core.models.preprocessing import Preprocessing
from core.models.window import Window
from core.system.device import pays_to_compile, use_channels_last
from core.task import Task
from core.training import depthwise, single_value_norms
from core.training.losses import Loss, make_loss
from core.training.optimizers import average_of, make_optimizer, make_schedule
from core.training.progress import Progress


@dataclass(slots=True)
class Trainer:
    """Made by `set_up`. `plain` is the network itself, `model` the same as Fabric runs it.

    `micro_batches` is the number of forward passes of a step: more when memory is short.
    """

    config: TrainConfig
    task: Task
    fabric: Fabric
    plain: nn.Module
    model: nn.Module
    averaged: AveragedModel | None
    optimizer: torch.optim.Optimizer
    scheduler: LRScheduler | ReduceLROnPlateau
    loss: Loss
    preprocessing: Preprocessing
    channels_last: bool
    progress: Progress
    micro_batches: int
    detour: bool = False

    @property
    def size(self) -> tuple[int, int]:
        return self.config.height, self.config.width

    @property
    def window(self) -> Window | None:
        """How the model will predict: None for photos that are seen whole."""
        return Window.of(self.config)

    @property
    def final_model(self) -> nn.Module:
        """The weights that are validated and saved: the moving average where there is one."""
        return self.averaged.module if self.averaged is not None else self.plain

    def training_mode(self) -> None:
        """Put layers into training mode, except those of a frozen encoder."""
        self.model.train()
        if self.config.freeze_encoder:
            self.plain.get_submodule("encoder").eval()

    def inputs(self, pictures: Tensor) -> Tensor:
        """uint8 (b, 3, h, w) as the network wants it, on its device."""
        images = self.preprocessing.normalise(pictures.to(self.fabric.device, non_blocking=True))
        if self.channels_last:
            return images.contiguous(memory_format=torch.channels_last)
        return images

    @contextlib.contextmanager
    def forward_context(self) -> Iterator[None]:
        with depthwise.FastDepthwise() if self.detour else contextlib.nullcontext():
            yield

    @torch.no_grad()
    def predict(self, photos: NDArray[np.uint8]) -> Tensor:
        """Photos (n, h, w, 3) to logits float32 (n, outputs, h, w), with the final model."""
        pictures = torch.from_numpy(np.ascontiguousarray(photos.transpose(0, 3, 1, 2)))
        with self.fabric.autocast():
            logits: Tensor = self.final_model.eval()(self.inputs(pictures))
        return logits.float()


def set_up(
    config: TrainConfig,
    built: Built,
    task: Task,
    fabric: Fabric,
    steps_per_epoch: int,
    weights: Tensor | None = None,
) -> Trainer:
    """Model, optimiser, schedule and loss on Fabric's device. `weights` are those of the classes."""
    device = fabric.device.type
    model = built.model
    if config.freeze_encoder:
        model.get_submodule("encoder").requires_grad_(False)
    channels_last = use_channels_last(config, device)
    if channels_last:
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    model = model.to(fabric.device)
    single_value_norms.take_running_statistics(model)
    optimizer = make_optimizer(config, model)
    total = steps_per_epoch * config.epochs
    compiled = pays_to_compile(config, device, total)
    run_as = torch.compile(model) if compiled else model
    wrapped, wrapped_optimizer = fabric.setup(run_as, optimizer)  # type: ignore[arg-type]
    precision = str(fabric._precision.precision)
    progress = Progress(total)
    time_used = (lambda: progress.time_used) if config.minutes else None
    return Trainer(
        config=config,
        task=task,
        fabric=fabric,
        plain=model,
        model=wrapped,
        averaged=average_of(model, config.ema_decay) if config.ema_decay else None,
        optimizer=wrapped_optimizer,
        scheduler=make_schedule(config, optimizer, total, time_used),
        loss=make_loss(config, task, None if weights is None else weights.to(fabric.device)),
        preprocessing=built.preprocessing,
        channels_last=channels_last,
        progress=progress,
        micro_batches=config.accumulate,
        detour=depthwise.is_needed(device, precision) and not compiled,
    )
