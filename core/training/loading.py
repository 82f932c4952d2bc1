"""Batches of stored pairs."""

import os
import random
import time
from collections.abc import Generator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from core.config import TrainConfig
from core.data.dataset import DataFolder
from core.data.patches import covering, patches_of
from core.data.sampling import PairDataset, TrainingOrder
from core.data.store import Store, build_store, stored_side
from core.data.transforms import augmentation
from core.errors import UserError
from core.runs.events import Note
from core.task import Task

Batches = DataLoader[tuple[Tensor, Tensor]]
NOTE_SECONDS = 2.0
NAMES = {"train": "training", "validation": "validation"}


def open_stores(data: DataFolder, config: TrainConfig) -> Generator[Note, None, dict[str, Store]]:
    """Decode what is trained on, or find it decoded. Yields notes and returns the stores "train" and
    "validation". Raises UserError when there is nothing to train on."""
    stores: dict[str, Store] = {}
    for split in ("train", "validation"):
        stores[split] = yield from _open_store(data, split, config)
    if not has_foreground(stores["train"], data):
        raise UserError(
            f"No mask of {data.name} holds any foreground, so there is nothing to learn: "
            f"check the meaning of the mask values ({data.encoding.meaning})."
        )
    return stores


def has_foreground(store: Store, data: DataFolder) -> bool:
    """Whether the masks hold more than one class."""
    task, seen = data.encoding.task, np.zeros(256, np.bool_)
    for index in range(len(store)):
        seen |= np.bincount(store[index][1].ravel(), minlength=256) > 0
        if (task.kind == "binary" and seen[1]) or (task.kind == "multilabel" and seen[1:].any()):
            return True
        if task.kind == "multiclass" and seen[: task.outputs].sum() > 1:
            return True
    return False


def images_drawn(config: TrainConfig, store: Store) -> int:
    """How many images, or patches, an epoch draws."""
    if config.sampling == "patches":
        return config.images_per_epoch or covering(store, config.height, config.width)
    return min(len(store), config.images_per_epoch or len(store))


def training_batches(
    config: TrainConfig, store: Store, task: Task, device: str, rank: int = 0, world: int = 1
) -> Batches:
    """Batches of uint8 images (b, 3, h, w) and labels (b, h, w), reshuffled each epoch."""
    images = config.batch_size * config.accumulate
    drawn, patches = images_drawn(config, store), patches_of(config, store, task)
    order = TrainingOrder(len(store), images, drawn, config.seed, rank, world, repeats=patches is not None)
    kind, strength = config.augmentation, config.augmentation_strength
    transform = augmentation(kind, config.height, config.width, strength, patches is not None, config.flips)
    dataset = PairDataset(store, transform, patches)
    workers = loader_processes(device, world)
    return DataLoader(
        dataset,
        batch_sampler=order,
        num_workers=workers,
        pin_memory=device.startswith("cuda"),
        persistent_workers=workers > 0,
        worker_init_fn=_one_thread if workers else None,
    )


def start_at(batches: Batches, epoch: int) -> None:
    """Make the next pass that of `epoch`, counted from 0."""
    order: Any = batches.batch_sampler
    order.epoch = epoch


def loader_processes(device: str, world: int = 1) -> int:
    """With a GPU the cores are free to load data; on the CPU they train."""
    if not device.startswith("cuda"):
        return 0
    return max(1, min(12, (os.cpu_count() or 2) - 1) // world)


def _one_thread(worker: int) -> None:
    import cv2

    cv2.setNumThreads(0)
    torch.set_num_threads(1)


def _open_store(data: DataFolder, split: str, config: TrainConfig) -> Generator[Note, None, Store]:
    pairs = data.pairs_of(split)
    cap = config.validation_images if split == "validation" else config.training_images
    if cap and len(pairs) > cap:
        pairs = sorted(random.Random(config.seed).sample(pairs, cap), key=lambda pair: pair.name)
    last = time.monotonic()
    long_side = None if config.sampling == "patches" else stored_side(config.height, config.width)
    for progress in build_store(pairs, data.encoding, long_side):
        if isinstance(progress, Store):
            store = progress
        elif time.monotonic() - last > NOTE_SECONDS:
            last = time.monotonic()
            yield Note(f"Preparing {NAMES[split]} photos: {progress} of {len(pairs)}.")
    yield from (Note(p.sentence, "warning") for p in store.problems)
    if not len(store):
        raise UserError(f"No {NAMES[split]} photo of {data.name} can be used: see the Data page's findings.")
    return store
