"""Scores from confusion counts.

Averaging Dice over batches changes with the batch size. Here every image is counted once; from the
counts follow, exactly, both the mean over images and the figure over all pixels.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Counts:
    """True/false positives and negatives of each image. Shapes: (images,), int64."""

    tp: Tensor
    fp: Tensor
    fn: Tensor
    tn: Tensor

    def __len__(self) -> int:
        return len(self.tp)

    def dice(self) -> Tensor:
        """2TP / (2TP + FP + FN), in 0..1; 1 where mask and prediction are both empty.

        Source: Dice (1945), https://doi.org/10.2307/1932409.
        """
        return _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    def iou(self) -> Tensor:
        """TP / (TP + FP + FN), in 0..1; 1 where mask and prediction are both empty.

        Source: Jaccard (1912), https://doi.org/10.1111/j.1469-8137.1912.tb05611.x.
        """
        return _ratio(self.tp, self.tp + self.fp + self.fn)

    def background_iou(self) -> Tensor:
        """The same for the background: TN / (TN + FP + FN); 1 where neither holds background."""
        return _ratio(self.tn, self.tn + self.fp + self.fn)

    def precision(self) -> Tensor:
        """TP / (TP + FP); nothing predicted is 1 if there was nothing to find, else 0."""
        return _ratio(self.tp, self.tp + self.fp, self.fn == 0)

    def recall(self) -> Tensor:
        """TP / (TP + FN); nothing to find is 1 if nothing was predicted, else 0."""
        return _ratio(self.tp, self.tp + self.fn, self.fp == 0)

    def pixel_accuracy(self) -> Tensor:
        """(TP + TN) / all pixels, in 0..1."""
        return _ratio(self.tp + self.tn, self.tp + self.fp + self.fn + self.tn)

    def total(self) -> "Counts":
        """All images as one: the counts for a figure over all pixels. Shape: (1,)."""
        return Counts(*(x.sum(0, keepdim=True) for x in (self.tp, self.fp, self.fn, self.tn)))


@dataclass(frozen=True, slots=True)
class Scores:
    """One data set's figures, in 0..1: over all pixels, and `…_mean` over images."""

    images: int
    dice: float
    iou: float
    miou: float
    precision: float
    recall: float
    pixel_accuracy: float
    dice_mean: float
    iou_mean: float


def count(prediction: Tensor, mask: Tensor) -> Counts:
    """Compare binary predictions with masks, image by image.

    Both are bool or 0/1, of shape (images, 1, height, width) or (images, height, width).
    """
    import segmentation_models_pytorch as smp

    if prediction.dim() == 3:
        prediction, mask = prediction[:, None], mask[:, None]
    tp, fp, fn, tn = smp.metrics.get_stats(
        prediction.long().contiguous(), mask.long().contiguous(), mode="binary"
    )
    return Counts(tp[:, 0], fp[:, 0], fn[:, 0], tn[:, 0])


def join(parts: Iterable[Counts]) -> Counts:
    """The counts of several batches as those of one."""
    listed = list(parts)
    if not listed:
        empty = torch.zeros(0, dtype=torch.int64)
        return Counts(empty, empty, empty, empty)
    return Counts(*(torch.cat([getattr(p, name) for p in listed]) for name in ("tp", "fp", "fn", "tn")))


def summarise(counts: Counts) -> Scores:
    """Every figure of one data set from its counts."""
    total = counts.total()
    return Scores(
        images=len(counts),
        dice=total.dice().item(),
        iou=total.iou().item(),
        miou=(total.iou() + total.background_iou()).item() / 2,
        precision=total.precision().item(),
        recall=total.recall().item(),
        pixel_accuracy=total.pixel_accuracy().item(),
        dice_mean=counts.dice().mean().item(),
        iou_mean=counts.iou().mean().item(),
    )


def _ratio(part: Tensor, whole: Tensor, otherwise: Tensor | float = 1.0) -> Tensor:
    """part / whole in float64, `otherwise` where whole is 0."""
    fallback = torch.as_tensor(otherwise, device=part.device).double()
    return torch.where(whole == 0, fallback, part.double() / whole.clamp(min=1).double())
