"""The order in which training sees images, and the one place where they are augmented."""

import math
from collections.abc import Iterator

import albumentations as A
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from core.data.patches import Patches
from core.data.store import Store
from core.data.transforms import reseed

Draw = tuple[int, int]  # index of the image, seed of its augmentation


class TrainingOrder(Sampler[list[Draw]]):
    """Batches of draws, reshuffled each epoch from (seed, epoch) alone.

    Every draw carries its own augmentation seed, so the result does not depend on how many worker
    processes load the data, and an epoch can be repeated exactly. A data set smaller than a batch
    gives one small batch; otherwise the last, incomplete batch is left out, because batch
    normalisation over one or two images harms more than they teach.

    With `repeats` an epoch may have more draws than there are images, all of which come before any comes
    again. Where several processes train together, each gets its share of every batch: `rank` of
    `world`. `epoch` is that of the next iteration.
    """

    def __init__(
        self,
        images: int,
        batch_size: int,
        images_per_epoch: int = 0,
        seed: int = 0,
        rank: int = 0,
        world: int = 1,
        repeats: bool = False,
    ) -> None:
        self.images, self.seed, self.epoch = images, seed, 0
        self.rank, self.world = rank, world
        self.drawn = images_per_epoch or images
        if not repeats:
            self.drawn = min(images, self.drawn)
        self.batch_size = min(batch_size, self.drawn)

    def __len__(self) -> int:
        return self.drawn // self.batch_size

    def __iter__(self) -> Iterator[list[Draw]]:
        random = np.random.default_rng((self.seed, self.epoch))
        self.epoch += 1
        rounds = math.ceil(self.drawn / self.images)
        order = np.concatenate([random.permutation(self.images) for _ in range(rounds)])[: self.drawn]
        seeds = random.integers(0, 2**31, self.drawn)
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            part = slice(start + self.rank, start + self.batch_size, self.world)
            yield list(zip(order[part].tolist(), seeds[part].tolist(), strict=True))


class PairDataset(Dataset[tuple[Tensor, Tensor]]):
    """Stored pairs or patches of them, augmented: image uint8 (3, h, w) and labels uint8 (h, w)."""

    def __init__(self, store: Store, transform: A.Compose, patches: Patches | None = None) -> None:
        self.store, self.transform, self.patches = store, transform, patches

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, draw: Draw) -> tuple[Tensor, Tensor]:
        index, seed = draw
        reseed(self.transform, seed)
        photo, mask = self.store[index]
        if self.patches is not None:
            photo, mask = self.patches.cut(photo, mask, index, seed)
        out = self.transform(image=photo, mask=mask)
        image = torch.from_numpy(np.ascontiguousarray(out["image"].transpose(2, 0, 1)))
        return image, torch.from_numpy(np.array(out["mask"], order="C"))
