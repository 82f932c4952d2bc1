"""Patches: parts of a photo and its mask at the photo's own resolution."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.config import TrainConfig
from core.data.class_places import ClassPlaces, class_places
from core.data.store import Store
from core.data.transforms import patch_scales
from core.task import IGNORE, Task

SCALED = 0.5  # share of patches that are enlarged or shrunk at all


@dataclass(frozen=True, slots=True)
class Patches:
    """Cuts patches of height x width pixels. `foreground` of them, a share in 0..1, are centred on a pixel of
    the foreground or of a class, each class of the photo as likely as any other: nnU-Net's oversampling
    (Isensee et al. 2021, https://doi.org/10.1038/s41592-020-01008-z). `scales` are the least and the largest
    factor by which the cut may differ from the patch; `has_void`: whether labels can be void.
    """

    height: int
    width: int
    foreground: float
    scales: tuple[float, float]
    places: ClassPlaces
    has_void: bool

    def cut(
        self, photo: NDArray[np.uint8], labels: NDArray[np.uint8], image: int, seed: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """A part of a photo (h, w, 3) and of its labels (h, w), which follows from the seed alone.

        It has the shape of the patch and is to be resized to it. Where the photo is smaller, the rest mirrors
        the photo, as it does in prediction, and is void; labels that cannot be void are mirrored as well.
        """
        random = np.random.default_rng(seed)
        scale = self._scale(random, *labels.shape)
        rows, columns = max(1, round(self.height * scale)), max(1, round(self.width * scale))
        pixel = self.places.draw(image, random) if random.random() < self.foreground else None
        middle = (None, None) if pixel is None else divmod(pixel, labels.shape[1])
        top = _start(random, labels.shape[0], rows, middle[0])
        left = _start(random, labels.shape[1], columns, middle[1])
        place = slice(top, top + rows), slice(left, left + columns)
        return _filled(photo[place], labels[place], (rows, columns), self.has_void)

    def _scale(self, random: np.random.Generator, height: int, width: int) -> float:
        low, high = self.scales
        scale = math.exp(random.uniform(math.log(low), math.log(high)))
        if random.random() >= SCALED:
            scale = 1.0
        # No larger than the photo, unless the patch is.
        return min(scale, max(1.0, height / self.height), max(1.0, width / self.width))


def patches_of(config: TrainConfig, store: Store, task: Task) -> Patches | None:
    """The patches that these settings ask for; None where whole photos are trained on."""
    if config.sampling != "patches":
        return None
    return Patches(
        config.height,
        config.width,
        config.foreground_patches,
        patch_scales(config.augmentation, config.augmentation_strength),
        class_places(store, task),
        task.has_void,
    )


def covering(store: Store, height: int, width: int) -> int:
    """The number of patches with as many pixels as the photos have, at least one for each."""
    areas = store.shapes.prod(axis=1) / (height * width)
    return int(np.ceil(areas).sum())


def _start(random: np.random.Generator, length: int, side: int, middle: int | None) -> int:
    """Where a cut begins, so that it lies within the photo."""
    room = max(0, length - side)
    if middle is None:
        return int(random.integers(0, room + 1))
    return min(max(0, middle - side // 2), room)


def _filled(
    photo: NDArray[np.uint8], labels: NDArray[np.uint8], size: tuple[int, int], has_void: bool
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    bottom, right = (side - length for side, length in zip(size, labels.shape, strict=True))
    if not bottom and not right:
        return photo, labels
    mirrored = cv2.copyMakeBorder(photo, 0, bottom, 0, right, cv2.BORDER_REFLECT)
    way = cv2.BORDER_CONSTANT if has_void else cv2.BORDER_REFLECT
    wider = cv2.copyMakeBorder(labels, 0, bottom, 0, right, way, value=IGNORE)
    return np.asarray(mirrored, np.uint8), np.asarray(wider, np.uint8)
