"""`fit(config, folder)`: set up, train, validate, and say so, event by event.

Read it from the top: `fit` is the whole story, the functions below it are its sentences.
"""

import datetime
import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader

from core import metrics
from core.config import TrainConfig
from core.data.dataset import DATASET_FILE, DataFolder, open_data, write_down
from core.data.sampling import PairDataset, TrainingOrder
from core.data.store import Store, build_store
from core.data.transforms import augmentation
from core.encoder_guide import short_name
from core.errors import UserError
from core.events import EpochEnd, Event, Finished, Note, Preview, Started, Step
from core.hardware import device_name, pick_device, precision_for, seed_everything, use_channels_last
from core.metrics import Scores
from core.model_card import ModelCard
from core.models import build_model, parameter_count, save_model
from core.optimisation import Loss, average_of, make_loss, make_optimizer, make_schedule
from core.preprocessing import Preprocessing
from core.previews import save_previews
from core.workspace import write_json

PREVIEWS = 6
STEP_EVENT_SECONDS = 0.2  # on a GPU steps are faster than anyone can look
ShouldStop = Callable[[], bool]


@dataclass(slots=True)
class Progress:
    """Where a training stands. `seconds` count from the first step, setting up excluded."""

    started: float
    total_steps: int
    step: int = 0
    best_dice: float = -1.0
    best_epoch: int = 0
    last_event: float = 0.0
    images: int = 0

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    @property
    def seconds_left(self) -> float:
        return self.seconds / max(1, self.step) * (self.total_steps - self.step)


@dataclass(slots=True)
class Trainer:
    """What the loop works with; made by `fit`."""

    config: TrainConfig
    fabric: Fabric
    model: nn.Module
    averaged: AveragedModel | None
    optimizer: torch.optim.Optimizer
    scheduler: torch.optim.lr_scheduler.LRScheduler
    loss: Loss
    preprocessing: Preprocessing
    channels_last: bool
    progress: Progress

    @property
    def size(self) -> tuple[int, int]:
        return self.config.height, self.config.width

    @property
    def final_model(self) -> nn.Module:
        """The weights that are validated and saved: the running average where one is kept."""
        return self.averaged.module if self.averaged is not None else self.model


def fit(config: TrainConfig, folder: Path, should_stop: ShouldStop = lambda: False) -> Iterator[Event]:
    """Train as `config` says and keep `best/` and `last/` models and previews in `folder`.

    Yields events as things happen. `should_stop` is asked between steps. Raises UserError when
    the data cannot be trained on.
    """
    seed_everything(config.seed)
    device = pick_device(config.device)
    data = open_data(Path(config.data))
    write_down(data)
    write_json(folder / DATASET_FILE, data.about)
    yield from (Note(p.sentence, "warning") for p in data.problems)
    stores: dict[str, Store] = {}
    for part in ("train", "validation"):
        yield from _prepare(data, part, config, stores)
    train, validation = stores["train"], stores["validation"]
    yield Note(f"Building {config.architecture} with {config.encoder}.")
    built = build_model(config)
    yield Note(f"Encoder weights: {built.weights}.", "warning" if "cannot" in built.weights else "info")

    loader = training_loader(config, train, device)
    trainer = set_up(config, built.model, built.preprocessing, device, len(loader))
    card = _card(config, data, built.weights, built.preprocessing)
    chosen = np.linspace(0, len(validation) - 1, min(PREVIEWS, len(validation))).astype(int).tolist()
    yield Started(
        train_images=len(train),
        validation_images=len(validation),
        steps_per_epoch=len(loader),
        epochs=config.epochs,
        device=device_name(device),
        precision=str(trainer.fabric._precision.precision),
        weights=built.weights,
        parameters=parameter_count(built.model),
        preview_names=[validation.names[i] for i in chosen],
    )
    yield from _finish_epoch(trainer, validation, chosen, None, 0, folder, card)
    trainer.progress.started = time.monotonic()
    for epoch in range(1, config.epochs + 1):
        losses: list[float] = []
        yield from train_epoch(trainer, loader, epoch, losses, should_stop)
        if should_stop():
            save_model(_plain(trainer.final_model), card, folder / "last")
            break
        yield from _finish_epoch(trainer, validation, chosen, float(np.mean(losses)), epoch, folder, card)
    progress = trainer.progress
    yield Finished(
        reason="stopped" if should_stop() else "done",
        best_epoch=progress.best_epoch,
        best_dice=max(0.0, progress.best_dice),
        seconds=progress.seconds,
    )


def set_up(
    config: TrainConfig, model: nn.Module, preprocessing: Preprocessing, device: str, steps_per_epoch: int
) -> Trainer:
    """Model, optimizer, schedule and precision on the device, joined by Lightning Fabric."""
    fabric = Fabric(
        accelerator=device.split(":", maxsplit=1)[0],
        devices=1,
        precision=precision_for(config, device),  # type: ignore[arg-type]
    )
    channels_last = use_channels_last(config, device)
    if channels_last:
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    model = model.to(fabric.device)
    optimizer = make_optimizer(config, model)
    wrapped, wrapped_optimizer = fabric.setup(model, optimizer)
    total = steps_per_epoch * config.epochs
    return Trainer(
        config=config,
        fabric=fabric,
        model=wrapped,
        averaged=average_of(_plain(wrapped), config.ema_decay) if config.ema_decay else None,
        optimizer=wrapped_optimizer,
        scheduler=make_schedule(config, optimizer, total),
        loss=make_loss(config),
        preprocessing=preprocessing,
        channels_last=channels_last,
        progress=Progress(time.monotonic(), total),
    )


def train_epoch(
    trainer: Trainer, loader: "DataLoader[Any]", epoch: int, losses: list[float], should_stop: ShouldStop
) -> Iterator[Step]:
    """One pass over the training images. Appends every step's loss to `losses`."""
    progress, fabric = trainer.progress, trainer.fabric
    trainer.model.train()
    for pictures, truth in loader:
        images, masks = trainer.preprocessing.normalise(pictures.to(fabric.device)), truth.to(fabric.device)
        if trainer.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        logits = trainer.model(images)
        loss = trainer.loss(logits, masks)
        fabric.backward(loss)
        trainer.optimizer.step()
        trainer.optimizer.zero_grad()
        trainer.scheduler.step()
        if trainer.averaged is not None:
            trainer.averaged.update_parameters(_plain(trainer.model))
        progress.step += 1
        progress.images += len(images)
        losses.append(loss.item())
        if not math.isfinite(losses[-1]):
            raise UserError(
                f"The loss is no longer a number (epoch {epoch}): the training diverged. "
                "Try a learning rate ten times smaller."
            )
        if progress.seconds - progress.last_event >= STEP_EVENT_SECONDS:
            progress.last_event = progress.seconds
            yield _step_event(trainer, epoch, losses[-1], logits, masks)
        if should_stop():
            return


def _step_event(trainer: Trainer, epoch: int, loss: float, logits: Tensor, masks: Tensor) -> Step:
    total = metrics.count(logits.detach() >= 0, masks).total()
    progress = trainer.progress
    return Step(
        epoch=epoch,
        step=progress.step,
        loss=loss,
        dice=total.dice().item(),
        iou=total.iou().item(),
        pixel_accuracy=total.pixel_accuracy().item(),
        learning_rate=float(trainer.scheduler.get_last_lr()[0]),
        images_per_second=progress.images / max(1e-9, progress.seconds),
        seconds=progress.seconds,
        seconds_left=progress.seconds_left,
    )


@torch.no_grad()
def validate(trainer: Trainer, store: Store) -> tuple[float, Scores]:
    """Mean loss and scores of the model on every stored image, at the training size."""
    model = trainer.final_model.eval()
    counts, losses = [], []
    for start in range(0, len(store), trainer.config.batch_size):
        part = range(start, min(start + trainer.config.batch_size, len(store)))
        logits, masks = _forward(trainer, model, *store.batch(part, *trainer.size))
        losses += [trainer.loss(logits, masks).item()] * len(masks)
        counts.append(metrics.count((logits >= 0).cpu(), masks.cpu()))
    return float(np.mean(losses)), metrics.summarise(metrics.join(counts))


def _forward(
    trainer: Trainer, model: nn.Module, photos: NDArray[np.uint8], masks: NDArray[np.uint8]
) -> tuple[Tensor, Tensor]:
    """Photos (n, h, w, 3) and masks (n, h, w) -> logits and float masks, both (n, 1, h, w)."""
    device = trainer.fabric.device
    images = torch.from_numpy(np.ascontiguousarray(photos.transpose(0, 3, 1, 2))).to(device)
    inputs = trainer.preprocessing.normalise(images)
    if trainer.channels_last:
        inputs = inputs.contiguous(memory_format=torch.channels_last)
    with trainer.fabric.autocast():
        logits = model(inputs).float()
    return logits, torch.from_numpy(masks[:, None].astype(np.float32)).to(device)


def _finish_epoch(
    trainer: Trainer,
    validation: Store,
    chosen: list[int],
    train_loss: float | None,
    epoch: int,
    folder: Path,
    card: ModelCard,
) -> Iterator[Event]:
    """Validate, save, preview."""
    loss, scores = validate(trainer, validation)
    progress = trainer.progress
    is_best = epoch > 0 and scores.dice > progress.best_dice
    values = asdict(scores)
    values.pop("images"), values.pop("iou_mean")
    yield EpochEnd(
        epoch=epoch,
        train_loss=train_loss,
        validation_loss=loss,
        seconds=progress.seconds if epoch else 0.0,
        is_best=is_best,
        **values,
    )
    if is_best:
        progress.best_dice, progress.best_epoch = scores.dice, epoch
    if epoch:
        kept = _with_scores(card, values, epoch, len(validation))
        for name in ("best", "last") if is_best else ("last",):
            save_model(_plain(trainer.final_model), kept, folder / name)
    photos, masks = validation.batch(chosen, *trainer.size)
    with torch.no_grad():
        logits, _ = _forward(trainer, trainer.final_model.eval(), photos, masks)
    probabilities = logits.sigmoid().cpu().numpy()[:, 0]
    yield Preview(epoch, save_previews(folder, epoch, photos, masks, probabilities))


def training_loader(config: TrainConfig, store: Store, device: str) -> "DataLoader[Any]":
    """Batches of uint8 images (b, 3, h, w) and float32 masks (b, 1, h, w), shuffled anew each epoch."""
    order = TrainingOrder(len(store), config.batch_size, config.images_per_epoch, config.seed)
    dataset = PairDataset(store, augmentation(config.augmentation, config.height, config.width))
    return DataLoader(dataset, batch_sampler=order, num_workers=0, pin_memory=device.startswith("cuda"))


def _prepare(data: DataFolder, part: str, config: TrainConfig, stores: dict[str, Store]) -> Iterator[Note]:
    pairs = data.part(part)
    cap = config.validation_images if part == "validation" else 0
    if cap and len(pairs) > cap:
        pairs = sorted(random.Random(config.seed).sample(pairs, cap), key=lambda pair: pair.name)
    last = time.monotonic()
    for progress in build_store(pairs, data.rule, stored_side(config)):
        if isinstance(progress, Store):
            stores[part] = progress
        elif time.monotonic() - last > 2:
            last = time.monotonic()
            yield Note(f"Preparing {part} photos: {progress} of {len(pairs)}.")
    yield from (Note(p.sentence, "warning") for p in stores[part].problems)
    if not len(stores[part]):
        raise UserError(f"No {part} photo of {data.name} can be used: look at the findings on the Data page.")
    if part == "train" and not stores[part].labels.any():
        raise UserError(
            f"No mask of {data.name} holds any foreground, so there is nothing to learn: "
            f"check what the mask values mean ({data.rule.meaning})."
        )


def stored_side(config: TrainConfig) -> int:
    """Longer side, in pixels, at which photos are kept: a third more than the network's, for crops."""
    return math.ceil(max(config.height, config.width) * 4 / 3)


def _plain(model: nn.Module) -> nn.Module:
    """The model itself, without Fabric's wrapper."""
    inner = getattr(model, "module", model)
    return inner if isinstance(inner, nn.Module) else model


def _card(config: TrainConfig, data: DataFolder, weights: str, preprocessing: Preprocessing) -> ModelCard:
    return ModelCard(
        name=config.name or f"{data.name}, {short_name(config.encoder)}",
        architecture=config.architecture,
        encoder=config.encoder,
        encoder_weights=weights,
        preprocessing=preprocessing,
        height=config.height,
        width=config.width,
        long_side=max(config.height, config.width),
        data=data.name,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        settings=config.to_dict(),
    )


def _with_scores(card: ModelCard, scores: dict[str, float], epoch: int, images: int) -> ModelCard:
    from dataclasses import replace

    where = f"{images} validation images at {card.height}x{card.width}, after epoch {epoch}."
    return replace(card, scores=scores, scored_on=where)
