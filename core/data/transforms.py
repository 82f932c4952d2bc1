"""Augmentation: geometry and colour of a photo and its mask together, on uint8, in albumentations."""

import random
from collections.abc import Sequence
from typing import Any

import albumentations as A
import cv2
import numpy as np
from numpy.typing import NDArray

from core.imaging.label_resizing import resize_labels
from core.imaging.resizing import resize_picture


def augmentation(
    kind: str,
    height: int,
    width: int,
    strength: float = 1.0,
    patches: bool = False,
    flips: str = "horizontal",
) -> A.Compose:
    """The training transform on a uint8 (h, w, 3) image and uint8 (h, w) labels.

    The result is (height, width). Kinds: "none", "tutorial" (what the tutorial does), "light",
    "standard", "strong". `strength` scales how far crops, turns and colours go, and how often: 0 is
    as "none", 1 as described, 2 twice as far. Of `patches`, which are cut beforehand, none is cropped.
    `flips` are "none", "horizontal", "both" ways, or "turns", which are both and quarter turns of crops and
    of square patches: a whole photo turned would be out of shape. Call `reseed` before each image for
    repeatable results.
    """
    if strength <= 0:
        kind = "none"
    framing, *others = _STEPS[kind](height, width, strength, flips)
    if not patches:
        return A.Compose([framing, *others])
    turn = [A.RandomRotate90(p=1.0)] if flips == "turns" and height == width and kind != "none" else []
    return A.Compose([_Resize(height, width), *turn, *others])


def reseed(transform: A.Compose, seed: int) -> None:
    """Make the next call of a transform depend on the seed alone.

    Its `set_random_seed` would give the same seed to every step: a photo would be jittered if and only if it
    is flipped. Here all steps draw from one generator, one after the other.
    """
    transform.set_random_state(np.random.default_rng(seed), random.Random(seed))


def patch_scales(kind: str, strength: float = 1.0) -> tuple[float, float]:
    """The least and the largest part that is cut out for a patch, as factors of its sides: what crops are for
    whole photos. They shrink as far as they enlarge, because prediction sees photos at their own size."""
    low, high = _PATCH_SCALES.get(kind, (1.0, 1.0))
    return low**strength, high**strength


def variants(
    photo: NDArray[np.uint8], labels: NDArray[np.uint8], transform: A.Compose, seeds: Sequence[int]
) -> list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """What training may make of this pair: photo (h, w, 3) and labels (h, w), once for each seed."""
    made = []
    for seed in seeds:
        reseed(transform, seed)
        out = transform(image=photo, mask=labels)
        made.append((np.asarray(out["image"], np.uint8), np.asarray(out["mask"], np.uint8)))
    return made


class _Resize(A.Resize):  # type: ignore[misc]
    """Labels resized by what covers each pixel: nearest pixels would move them against the photo."""

    def apply(self, img: NDArray[np.uint8], **params: Any) -> NDArray[np.uint8]:
        return resize_picture(img, (self.height, self.width))

    def apply_to_mask(self, mask: NDArray[np.uint8], **params: Any) -> NDArray[np.uint8]:
        return resize_labels(mask, (self.height, self.width))


class _RandomResizedCrop(A.RandomResizedCrop):  # type: ignore[misc]
    """The same for crops."""

    def apply(
        self, img: NDArray[np.uint8], crop_coords: tuple[int, int, int, int], **params: Any
    ) -> NDArray[np.uint8]:
        left, top, right, bottom = crop_coords
        height, width = self.size
        return resize_picture(img[top:bottom, left:right], (height, width))

    def apply_to_mask(
        self, mask: NDArray[np.uint8], crop_coords: tuple[int, int, int, int], **params: Any
    ) -> NDArray[np.uint8]:
        left, top, right, bottom = crop_coords
        height, width = self.size
        return resize_labels(np.ascontiguousarray(mask[top:bottom, left:right]), (height, width))


def _none(height: int, width: int, strength: float, flips: str) -> list[A.BasicTransform]:
    return [_Resize(height, width)]


def _tutorial(height: int, width: int, strength: float, flips: str) -> list[A.BasicTransform]:
    jitter = _jitter(0.2, 0.2, 0.2, 0.5, strength, p=0.2)  # albumentations' own figures
    return [_Resize(height, width), jitter, *_flips(flips)]


def _light(height: int, width: int, strength: float, flips: str) -> list[A.BasicTransform]:
    reach = min(0.9, 0.2 * strength)
    return [
        _framing(height, width, whole=0.6, smallest=0.5, ratio=0.75, strength=strength, flips=flips),
        *_flips(flips),
        A.RandomBrightnessContrast((-reach, reach), (-reach, reach), p=0.5),
    ]


def _standard(height: int, width: int, strength: float, flips: str) -> list[A.BasicTransform]:
    return [
        _framing(height, width, whole=0.4, smallest=0.35, ratio=0.65, strength=strength, flips=flips),
        *_flips(flips),
        A.Rotate(limit=12 * strength, border_mode=cv2.BORDER_REFLECT_101, p=0.3),
        _jitter(0.3, 0.3, 0.4, 0.04, strength, p=0.6),
        A.ToGray(p=min(1.0, 0.05 * strength)),
    ]


def _strong(height: int, width: int, strength: float, flips: str) -> list[A.BasicTransform]:
    turn, gamma = 20 * strength, min(0.9, 0.4 * strength)
    low, high = max(0.3, 1 - 0.25 * strength), 1 + 0.1 * strength
    return [
        _framing(height, width, whole=0.1, smallest=0.2, ratio=0.65, strength=strength, flips=flips),
        *_flips(flips),
        A.Affine(scale=(low, high), rotate=(-turn, turn), border_mode=cv2.BORDER_REFLECT_101, p=0.35),
        _jitter(0.4, 0.4, 0.5, 0.06, strength, p=0.7),
        A.RandomGamma((100 * (1 - gamma), 100 * (1 + 1.5 * gamma)), p=0.2),
        A.ToGray(p=min(1.0, 0.08 * strength)),
        A.OneOf(
            [A.GaussianBlur((3, 5)), A.GaussNoise((0.02, 0.08)), A.ImageCompression(quality_range=(30, 80))],
            p=min(1.0, 0.25 * strength),
        ),
    ]


def _jitter(
    brightness: float, contrast: float, saturation: float, hue: float, strength: float, p: float
) -> A.BasicTransform:
    """Factors within 1 ± these, and hue within ± of the circle, times the strength."""
    b, c, s = (min(0.95, reach * strength) for reach in (brightness, contrast, saturation))
    h = min(0.5, hue * strength)
    return A.ColorJitter((1 - b, 1 + b), (1 - c, 1 + c), (1 - s, 1 + s), (-h, h), p=p)


# nnU-Net's are 0.7 to 1.4.
_PATCH_SCALES = {"light": (0.8, 1.25), "standard": (0.7, 1.4), "strong": (0.6, 1.6)}
_STEPS = {"none": _none, "tutorial": _tutorial, "light": _light, "standard": _standard, "strong": _strong}


def _framing(
    height: int, width: int, whole: float, smallest: float, ratio: float, strength: float, flips: str
) -> A.BasicTransform:
    """Either the whole photo, stretched to (height, width) as evaluation at that size does, or a
    crop of at least `smallest` of its area in its own shape, up to a factor of `ratio` off.

    `whole` is the share of the first. The second is what lets the model read a photo in its own
    shape later, which scores better than stretching it.
    """
    shape = width / height
    smallest, ratio = smallest**strength, ratio**strength
    crop = _RandomResizedCrop(
        (height, width),
        scale=(smallest, 1.0),
        ratio=(shape * ratio, shape / ratio),
    )
    stretch = _Resize(height, width)
    stretch.p = whole
    if flips == "turns":
        return A.OneOf([stretch, A.Sequential([A.RandomRotate90(p=1.0), crop], p=1 - whole)], p=1.0)
    crop.p = 1 - whole
    return A.OneOf([stretch, crop], p=1.0)


def _flips(flips: str) -> list[A.BasicTransform]:
    across, over = A.HorizontalFlip(p=0.5), A.VerticalFlip(p=0.5)
    return {"none": [], "horizontal": [across]}.get(flips, [across, over])
