"""Scores from confusion counts.

A mean of Dice over batches depends on the batch size. Here every image is counted once; both the mean over
images and the pooled score follow exactly from the counts.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from core.system.score_names import renamed
from core.task import IGNORE, Task

BLOCK = 1 << 22  # pixels counted at once


@dataclass(frozen=True, slots=True)
class Counts:
    """True/false positives and negatives of each image and class. Shapes: (images, classes), int64."""

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
        """TP / (TP + FP); where nothing is predicted, 1 if the mask is empty, else 0."""
        return _ratio(self.tp, self.tp + self.fp, self.fn == 0)

    def recall(self) -> Tensor:
        """TP / (TP + FN); where the mask is empty, 1 if nothing is predicted, else 0."""
        return _ratio(self.tp, self.tp + self.fn, self.fp == 0)

    def pixel_accuracy(self) -> Tensor:
        """(TP + TN) / all pixels, in 0..1, each class against the rest."""
        return _ratio(self.tp + self.tn, self.tp + self.fp + self.fn + self.tn)

    def occurs(self) -> Tensor:
        """Whether the class is in the mask or the prediction. Bool (images, classes)."""
        return self.tp + self.fp + self.fn > 0

    def known(self) -> "Counts":
        """The counts of the images with any counted pixel: the others have no score."""
        some = (self.tp + self.fp + self.fn + self.tn).sum(1) > 0
        return self if some.all() else Counts(*(x[some] for x in (self.tp, self.fp, self.fn, self.tn)))

    def total(self) -> "Counts":
        """All images as one: the counts for a pooled score. Shape: (1, classes)."""
        return Counts(*(x.sum(0, keepdim=True) for x in (self.tp, self.fp, self.fn, self.tn)))

    def of(self, images: slice) -> "Counts":
        """The counts of some of the images."""
        return Counts(self.tp[images], self.fp[images], self.fn[images], self.tn[images])


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of one data set, in 0..1: `…_mean` over images, the others pooled.

    With several classes, every score but `pixel_accuracy` is the mean over the classes that occur;
    `class_dice` and `class_iou` are those of each class, in label order.
    """

    images: int
    dice_pooled: float
    iou_pooled: float
    miou: float
    precision: float
    recall: float
    pixel_accuracy: float
    dice_mean: float
    iou_mean: float
    class_dice: tuple[float, ...] = ()
    class_iou: tuple[float, ...] = ()


def count(prediction: Tensor, mask: Tensor, known: Tensor | None = None) -> Counts:
    """Compare binary predictions with masks, image by image, on the pixels that are `known`.

    All are bool or 0/1, of shape (images, classes, height, width) or (images, height, width).
    """
    if prediction.dim() == 3:
        prediction, mask = prediction[:, None], mask[:, None]
        known = None if known is None else known[:, None]
    ours, theirs = mask.bool(), prediction.bool()
    counted = torch.ones_like(ours) if known is None else known.bool().expand_as(ours)
    both = (ours & theirs, theirs & ~ours, ours & ~theirs, ~(ours | theirs))
    return Counts(*((pixels & counted).flatten(2).sum(2) for pixels in both))


def count_labels(predicted: Tensor, truth: Tensor, task: Task) -> Counts:
    """Compare predicted with true labels, image by image. Both are uint8 (images, height, width),
    as core.task describes them; where the truth is IGNORE, a prediction is not counted."""
    if task.kind == "binary":
        return count(predicted, truth == 1, truth != IGNORE)
    if task.kind == "multilabel":
        return count(task.target(predicted), task.target(truth))
    taken = torch.zeros(len(truth), task.outputs, task.outputs, dtype=torch.int64, device=truth.device)
    for i in range(len(truth)):
        taken[i] = confusion(predicted[i], truth[i], task.outputs)
    tp = taken.diagonal(dim1=1, dim2=2)
    fp, fn = taken.sum(1) - tp, taken.sum(2) - tp
    return Counts(tp, fp, fn, taken.sum((1, 2))[:, None] - tp - fp - fn)


def confusion(predicted: Tensor, truth: Tensor, classes: int) -> Tensor:
    """Pixels of class i predicted as class j: int64 (classes, classes). IGNORE in the truth is not counted.

    Counted in integers: float32 has no odd number above 2^24, and a photo may have more pixels.
    """
    found = torch.zeros(classes * classes, dtype=torch.int64, device=truth.device)
    every, marked = predicted.flatten(), truth.flatten()
    for first in range(0, len(marked), BLOCK):
        theirs, ours = every[first : first + BLOCK], marked[first : first + BLOCK]
        known = ours != IGNORE
        pairs = ours[known].int() * classes + theirs[known].int()
        found += torch.bincount(pairs, minlength=classes * classes)
    return found.view(classes, classes)


def join(parts: Iterable[Counts]) -> Counts:
    """The counts of several batches as those of one."""
    listed = list(parts)
    if not listed:
        empty = torch.zeros(0, 1, dtype=torch.int64)
        return Counts(empty, empty, empty, empty)
    return Counts(*(torch.cat([getattr(p, name) for p in listed]) for name in ("tp", "fp", "fn", "tn")))


def summarise(counts: Counts, task: Task) -> Scores:
    """Every score of one data set from its counts. Images without a known pixel do not count."""
    counts = counts.known()
    total = counts.total()
    figures = {renamed(name): values.item() for name, values in pooled(total, task).items()}
    means = {f"{name}_mean": values.mean().item() for name, values in image_scores(counts, task).items()}
    return Scores(
        images=len(counts),
        dice_mean=means["dice_mean"],
        iou_mean=means["iou_mean"],
        class_dice=tuple(total.dice()[0].tolist()),
        class_iou=tuple(total.iou()[0].tolist()),
        **figures,
    )


def pooled(totals: Counts, task: Task) -> dict[str, Tensor]:
    """The pooled scores, float64 (rows,), for each row of summed counts (rows, classes)."""
    occurs, miou = _counted_classes(totals, task), totals.iou()
    if task.kind == "binary":
        miou = (miou + totals.background_iou()) / 2
    if task.kind == "multiclass":  # every pixel has one class, so true positives over pixels
        accuracy = _ratio(totals.tp.sum(1), (totals.tp + totals.fn).sum(1))
    else:
        accuracy = totals.pixel_accuracy().mean(1)
    named = {"dice": totals.dice(), "iou": totals.iou(), "miou": miou,
             "precision": totals.precision(), "recall": totals.recall()}  # fmt: skip
    return {name: per_image(values, occurs) for name, values in named.items()} | {"pixel_accuracy": accuracy}


def image_scores(counts: Counts, task: Task) -> dict[str, Tensor]:
    """The scores of each image, float64 (images,): with several classes, the mean over those that occur
    in it."""
    scores = pooled(counts, task)
    del scores["miou"]
    return scores


def per_image(values: Tensor, occurs: Tensor) -> Tensor:
    """(images, classes) to (images,): the mean over the classes that occur in the image; 1 if none does."""
    return _ratio(torch.where(occurs, values, 0.0).sum(1), occurs.sum(1))


def _counted_classes(counts: Counts, task: Task) -> Tensor:
    """Which classes a mean is taken over, bool (rows, classes): those that occur, and a single foreground
    always, because empty against empty is a perfect score."""
    return torch.ones_like(counts.tp, dtype=torch.bool) if task.kind == "binary" else counts.occurs()


def _ratio(part: Tensor, whole: Tensor, otherwise: Tensor | float = 1.0) -> Tensor:
    """part / whole in float64, `otherwise` where whole is 0."""
    fallback = torch.as_tensor(otherwise, device=part.device).double()
    return torch.where(whole == 0, fallback, part.double() / whole.clamp(min=1).double())
