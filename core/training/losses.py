"""The losses: from logits and labels to a scalar."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.config import TrainConfig
from core.data.store import Store
from core.task import IGNORE, Task

Sums = Callable[[Tensor, Tensor], Tensor]
TVERSKY = {
    "alpha": 0.3,
    "beta": 0.7,
}  # false negatives cost more; Salehi et al. 2017, https://arxiv.org/abs/1706.05721
HIGHEST_WEIGHT = 10.0  # a class of a few pixels must not outweigh all others
WEIGHED_IMAGES = 512  # enough to measure how common a class is


@dataclass(frozen=True, slots=True)
class Loss:
    """From logits (b, outputs, h, w) and labels uint8 (b, h, w) to a scalar, by way of sums over pixels.

    `sums` gives float32 (length,), which add up over micro-batches; `value` makes the loss of them. So the
    loss of a whole batch and its gradient follow from separate micro-batches or processes.
    """

    sums: Sums
    value: Callable[[Tensor], Tensor]
    length: int = 2

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        return self.value(self.sums(logits, labels))


def make_loss(config: TrainConfig, task: Task, weights: Tensor | None = None) -> Loss:
    """The loss that the settings name.

    `weights` are those of `class_weights`; they count in the cross entropy alone. Dice, focal and
    Tversky are smp's to the last digits; Lovász is smp's, and of several parts the mean over the images
    that are not void everywhere.
    Pixels of IGNORE count in none of them, and a batch that has no others gives 0, with a gradient of 0.
    """
    pixelwise = Loss(_cross_entropy(task, weights), _mean)
    overlap = _overlap(task, 0.5, 0.5)
    losses = {
        "bce": pixelwise,
        "dice": overlap,
        "bce+dice": _added(pixelwise, overlap),
        "focal": Loss(_focal(task), _mean),
        "tversky": _overlap(task, **TVERSKY),
        "lovasz": Loss(_lovasz(task), _mean),
    }
    return losses[config.loss]


def class_weights(store: Store, task: Task) -> Tensor:
    """Balanced class weights, each at most HIGHEST_WEIGHT.

    "binary" and "multilabel": background over foreground pixels, the `pos_weight` of BCE. "multiclass":
    median frequency balancing (Eigen and Fergus 2015, https://arxiv.org/abs/1411.4734).
    Shape (outputs,), float32.
    """
    share = class_shares(store, task).numpy()
    if not share.any():
        return torch.ones(task.outputs)
    if task.kind == "multiclass":
        weights = np.median(share[share > 0]) / np.maximum(share, 1e-9)
    else:
        weights = (1 - share) / np.maximum(share, 1e-9)
    return torch.from_numpy(np.clip(weights, 1 / HIGHEST_WEIGHT, HIGHEST_WEIGHT).astype(np.float32))


def class_shares(store: Store, task: Task) -> Tensor:
    """The share of each class or label among the known pixels of a store, float64 (outputs,) in 0..1."""
    pixels = np.zeros(256, np.int64)
    for index in range(0, len(store), max(1, len(store) // WEIGHED_IMAGES)):
        pixels += np.bincount(store[index][1].ravel(), minlength=256)
    if task.has_void:
        pixels[IGNORE] = 0
    if task.kind == "multiclass":
        inside = pixels[: task.outputs]
    else:
        codes = np.arange(256)
        inside = np.array([pixels[(codes >> bit & 1) == 1].sum() for bit in range(task.outputs)])
    known = inside.sum() if task.kind == "multiclass" else pixels.sum()
    return torch.from_numpy(inside / max(1, known))


def _mean(sums: Tensor) -> Tensor:
    """Of a total and what it is to be divided by. 0 where that is 0: the total is then, too."""
    return sums[0] / sums[1].clamp(min=torch.finfo(torch.float32).tiny)


def _added(mean: Loss, other: Loss) -> Loss:
    """The sum of two losses."""
    return Loss(
        lambda logits, labels: torch.cat([mean.sums(logits, labels), other.sums(logits, labels)]),
        lambda sums: mean.value(sums[: mean.length]) + other.value(sums[mean.length :]),
        mean.length + other.length,
    )


def _cross_entropy(task: Task, weights: Tensor | None) -> Sums:
    """Over known pixels. Pixels are not selected, because the device would have to wait for it."""
    if task.kind == "multiclass":

        def of_classes(logits: Tensor, labels: Tensor) -> Tensor:
            target = task.target(labels)
            total = functional.cross_entropy(logits, target, weights, ignore_index=IGNORE, reduction="sum")
            known = target != IGNORE
            # Divided by the weights of the pixels' own classes, as torch does.
            each = known if weights is None else known * weights[torch.where(known, target, 0)]
            return torch.stack([total, each.sum().to(total.dtype)])

        return of_classes

    share = None if weights is None else weights.view(-1, 1, 1)

    def of_labels(logits: Tensor, labels: Tensor) -> Tensor:
        target = task.target(labels)
        known = target != IGNORE
        each = functional.binary_cross_entropy_with_logits(
            logits, target * known, pos_weight=share, reduction="none"
        )
        return torch.stack([(each * known).sum(), known.sum().to(each.dtype)])

    return of_labels


def _focal(task: Task) -> Sums:
    """Lin et al. 2017, https://arxiv.org/abs/1708.02002, with gamma 2 and no alpha: of several classes,
    each one's against all others."""

    def sums(logits: Tensor, labels: Tensor) -> Tensor:
        truth, known = _layers(task, labels)
        entropy = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
        each = (1 - torch.exp(-entropy)) ** 2 * entropy
        return torch.stack([(each * known).sum(), known.expand_as(each).sum().to(each.dtype)])

    return sums


def _overlap(task: Task, alpha: float, beta: float) -> Loss:
    """1 - TP / (TP + alpha * FP + beta * FN), the mean over classes, of which those that do not occur
    count 0. Dice for 0.5 and 0.5; Salehi et al. 2017, https://arxiv.org/abs/1706.05721."""

    def sums(logits: Tensor, labels: Tensor) -> Tensor:
        truth, known = _layers(task, labels)
        share = logits.softmax(dim=1) if task.kind == "multiclass" else logits.sigmoid()
        places = (0, 2, 3)
        return torch.cat([
            (share * truth * known).sum(places), (share * known).sum(places), (truth * known).sum(places)
        ])  # fmt: skip

    def value(sums: Tensor) -> Tensor:
        tp, predicted, true = sums.chunk(3)
        score = tp / (tp + alpha * (predicted - tp) + beta * (true - tp)).clamp(min=1e-7)
        return ((1 - score) * (true > 0)).mean()

    return Loss(sums, value, 3 * task.outputs)


def _layers(task: Task, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The ground truth, float (b, outputs, h, w) of 0 and 1, and the known pixels, bool (b, 1, h, w)."""
    target = task.target(labels)
    if task.kind != "multiclass":
        known = target != IGNORE
        return target * known, known
    known = target != IGNORE
    chosen = functional.one_hot(torch.where(known, target, 0), task.outputs)
    return chosen.movedim(3, 1).float() * known[:, None], known[:, None]


def _lovasz(task: Task) -> Sums:
    import segmentation_models_pytorch as smp

    ignore = IGNORE if task.has_void else None
    loss = smp.losses.LovaszLoss(task.kind, ignore_index=ignore)

    def sums(logits: Tensor, labels: Tensor) -> Tensor:
        target = task.target(labels)
        known = torch.ones_like(target) if ignore is None else target != IGNORE
        images = known.flatten(1).any(dim=1).sum().to(logits.dtype)
        if not images:  # the mean of nothing would be NaN
            return torch.stack([0.0 * logits.sum(), images])
        return torch.stack([loss(logits, target) * images, images])

    return sums
