"""Augmentation: geometry and colour of a photo and its mask together, on uint8, in albumentations."""

import albumentations as A
import cv2


def augmentation(kind: str, height: int, width: int) -> A.Compose:
    """The training transform on a uint8 (h, w, 3) image and uint8 (h, w) labels.

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
