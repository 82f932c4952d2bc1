"""Preprocessing of photos, the same in training, evaluation and prediction.

One normalisation, on uint8 batches and on the model's own device, so that the three cannot drift
apart. Kept apart from the augmentations, whose library takes long to import.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from core.config import SIZE_STEP
from core.models.window import Window

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


# ImageNet's as one channel, for greyscale photos.
GREY_PREPROCESSING = Preprocessing((0.449,) * 3, (0.226,) * 3)
LITE_PREPROCESSING = Preprocessing((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))  # efficientnet-lite0 to lite4


def fit_photo(
    photo: NDArray[np.uint8], long_side: int, least: int = SIZE_STEP, window: Window | None = None
) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Shrink or enlarge a photo in its own shape and pad it to multiples of 32, `least` pixels or more.

    Returns the padded uint8 (h, w, 3) and the (height, width) that the photo takes in its upper
    left corner. The padding mirrors the photo, so that the network sees no hard edge. With a window, sides
    that are longer than it are not padded, because windows may stand anywhere.
    """
    height, width = photo.shape[:2]
    scale = long_side / max(height, width)
    inner = max(1, round(height * scale)), max(1, round(width * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    # A photo of 60 megapixels at its own size is not copied.
    resized = photo if inner == (height, width) else cv2.resize(photo, inner[::-1], interpolation=way)
    bottom, right = (max(-side % SIZE_STEP, least - side) for side in inner)
    if window is not None:
        bottom = bottom if inner[0] <= window.height else 0
        right = right if inner[1] <= window.width else 0
    if not bottom and not right:
        return np.asarray(resized, np.uint8), inner
    padded = cv2.copyMakeBorder(resized, 0, bottom, 0, right, cv2.BORDER_REFLECT)
    return np.asarray(padded, np.uint8), inner


def middle(photo: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """The middle of a photo (h, w, 3): at most height x width pixels."""
    top, left = (
        max(0, length - side) // 2 for length, side in zip(photo.shape, (height, width), strict=False)
    )
    return photo[top : top + height, left : left + width]
