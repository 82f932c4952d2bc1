"""What happens to a photo and its mask before the model sees them.

Geometry and colour run on uint8 in albumentations; `Preprocessing.normalise` then turns a uint8
batch into floats on the model's own device. Training, evaluation and prediction all end in that one
function, so they cannot drift apart.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import albumentations as A
import cv2
import numpy as np
from numpy.typing import NDArray

from core.config import SIZE_STEP

if TYPE_CHECKING:
    from torch import Tensor

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """The encoder's own mean and standard deviation, per RGB channel, for values in 0..1."""

    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD

    def normalise(self, images: "Tensor") -> "Tensor":
        """uint8 (batch, 3, height, width) -> float32 of the same shape, memory format and device."""
        import torch

        mean = torch.tensor(self.mean, device=images.device).view(1, 3, 1, 1) * 255
        std = torch.tensor(self.std, device=images.device).view(1, 3, 1, 1) * 255
        return (images.float() - mean) / std


def augmentation(kind: str, height: int, width: int) -> A.Compose:
    """The training transform on a uint8 (h, w, 3) image and a 0/1 uint8 (h, w) mask.

    The result is (height, width). Kinds: "none", "tutorial" (what the tutorial does), "light",
    "standard", "strong". Call `set_random_seed` before each image for repeatable results.
    """
    return A.Compose([*_STEPS[kind](height, width)], mask_interpolation=cv2.INTER_NEAREST)


def _none(height: int, width: int) -> list[A.BasicTransform]:
    return [A.Resize(height, width, interpolation=cv2.INTER_AREA)]


def _tutorial(height: int, width: int) -> list[A.BasicTransform]:
    return [*_none(height, width), A.ColorJitter(p=0.2), A.HorizontalFlip(p=0.5)]


def _light(height: int, width: int) -> list[A.BasicTransform]:
    return [
        _framing(height, width, whole=0.6, scale=(0.5, 1.0), ratio=0.75),
        A.HorizontalFlip(p=0.5),
        A.RandomBrightnessContrast(p=0.5),
    ]


def _standard(height: int, width: int) -> list[A.BasicTransform]:
    return [
        _framing(height, width, whole=0.4, scale=(0.35, 1.0), ratio=0.65),
        A.HorizontalFlip(p=0.5),
        A.Rotate(limit=12, border_mode=cv2.BORDER_REFLECT_101, p=0.3),
        A.ColorJitter((0.7, 1.3), (0.7, 1.3), (0.6, 1.4), (-0.04, 0.04), p=0.6),
        A.ToGray(p=0.05),
    ]


def _strong(height: int, width: int) -> list[A.BasicTransform]:
    return [
        _framing(height, width, whole=0.1, scale=(0.2, 1.0), ratio=0.65),
        A.HorizontalFlip(p=0.5),
        A.Affine(scale=(0.75, 1.1), rotate=(-20, 20), border_mode=cv2.BORDER_REFLECT_101, p=0.35),
        A.ColorJitter((0.6, 1.4), (0.6, 1.4), (0.5, 1.5), (-0.06, 0.06), p=0.7),
        A.RandomGamma((60, 160), p=0.2),
        A.ToGray(p=0.08),
        A.OneOf(
            [A.GaussianBlur((3, 5)), A.GaussNoise((0.02, 0.08)), A.ImageCompression(quality_range=(30, 80))],
            p=0.25,
        ),
    ]


_STEPS = {"none": _none, "tutorial": _tutorial, "light": _light, "standard": _standard, "strong": _strong}


def _framing(
    height: int, width: int, whole: float, scale: tuple[float, float], ratio: float
) -> A.BasicTransform:
    """Either the whole photo, stretched to (height, width) as evaluation at that size does, or a
    crop of `scale` of its area in its own shape, up to a factor of `ratio` off.

    `whole` is the share of the first. The second is what lets the model read a photo in its own
    shape later, which scores better than stretching it.
    """
    shape = width / height
    crop = A.RandomResizedCrop(
        (height, width), scale=scale, ratio=(shape * ratio, shape / ratio), interpolation=cv2.INTER_AREA
    )
    stretch = A.Resize(height, width, interpolation=cv2.INTER_AREA)
    stretch.p, crop.p = whole, 1 - whole
    return A.OneOf([stretch, crop], p=1.0)


def fit_photo(photo: NDArray[np.uint8], long_side: int) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Shrink or enlarge a photo in its own shape and pad it to multiples of 32.

    Returns the padded uint8 (h, w, 3) and the (height, width) that the photo takes in its upper
    left corner. The padding mirrors the photo, so that the network sees no hard edge.
    """
    height, width = photo.shape[:2]
    scale = long_side / max(height, width)
    inner = max(1, round(height * scale)), max(1, round(width * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    resized = cv2.resize(photo, (inner[1], inner[0]), interpolation=way)
    bottom, right = (-inner[0]) % SIZE_STEP, (-inner[1]) % SIZE_STEP
    padded = cv2.copyMakeBorder(resized, 0, bottom, 0, right, cv2.BORDER_REFLECT)
    return np.asarray(padded, np.uint8), inner
