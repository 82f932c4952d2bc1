"""From logits and labels to the number that is made small."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.config import TrainConfig
from core.data.store import Store
from core.task import IGNORE, Task

Loss = Callable[[Tensor, Tensor], Tensor]
TVERSKY = {
    "alpha": 0.3,
    "beta": 0.7,
}  # misses cost more; Salehi et al. 2017, https://arxiv.org/abs/1706.05721
HIGHEST_WEIGHT = 10.0  # a class of a few pixels must not drown all others
WEIGHED_IMAGES = 512  # enough to know how common a class is


def make_loss(config: TrainConfig, task: Task, weights: Tensor | None = None) -> Loss:
    """From logits (b, outputs, h, w) and labels (b, h, w), uint8, to a scalar.

    `weights` are those of `class_weights`; they count in the cross entropy alone. Dice, focal,
    Tversky and Lovász losses are smp's. Pixels of IGNORE count in none of them, and a batch that has
    no others gives 0, with a gradient of 0.
    """
    pixelwise, overlap = _cross_entropy(task, weights), _of_smp("DiceLoss", task)
    losses: dict[str, Loss] = {
        "bce": pixelwise,
        "dice": overlap,
        "bce+dice": lambda logits, target: pixelwise(logits, target) + overlap(logits, target),
        "focal": _of_smp("FocalLoss", task),
        "tversky": _of_smp("TverskyLoss", task, **TVERSKY),
        "lovasz": _of_smp("LovaszLoss", task),
    }
    chosen = losses[config.loss]
    return lambda logits, labels: chosen(logits, task.target(labels))


def class_weights(store: Store, task: Task) -> Tensor:
    """Weights that make rare classes count as much as common ones, each at most HIGHEST_WEIGHT.

    "binary" and "multilabel": background over foreground pixels, the `pos_weight` of BCE. "multiclass":
    median frequency balancing (Eigen and Fergus 2015, https://arxiv.org/abs/1411.4734).
    Shape (outputs,), float32.
    """
    pixels = np.zeros(256, np.int64)
    for index in range(0, len(store), max(1, len(store) // WEIGHED_IMAGES)):
        pixels += np.bincount(store[index][1].ravel(), minlength=256)
    if task.has_void:
        pixels[IGNORE] = 0
    if not pixels.any():
        return torch.ones(task.outputs)
    if task.kind == "multiclass":
        share = pixels[: task.outputs] / max(1, pixels[: task.outputs].sum())
        weights = np.median(share[share > 0]) / np.maximum(share, 1e-9)
    else:
        codes = np.arange(256)
        inside = np.array([pixels[(codes >> bit & 1) == 1].sum() for bit in range(task.outputs)])
        weights = (pixels.sum() - inside) / np.maximum(inside, 1)
    return torch.from_numpy(np.clip(weights, 1 / HIGHEST_WEIGHT, HIGHEST_WEIGHT).astype(np.float32))


def _cross_entropy(task: Task, weights: Tensor | None) -> Loss:
    """The mean over known pixels. Neither torch's own mean nor a selection of pixels: the first is no
    number where no pixel is known, and the second makes the device wait."""
    if task.kind == "multiclass":

        def of_classes(logits: Tensor, target: Tensor) -> Tensor:
            total = functional.cross_entropy(logits, target, weights, ignore_index=IGNORE, reduction="sum")
            known = target != IGNORE
            # Divided by the weights of the pixels' own classes, as torch does.
            each = known if weights is None else known * weights[torch.where(known, target, 0)]
            return total / each.sum().clamp(min=torch.finfo(torch.float32).tiny)

        return of_classes

    share = None if weights is None else weights.view(-1, 1, 1)

    def of_labels(logits: Tensor, target: Tensor) -> Tensor:
        known = target != IGNORE
        each = functional.binary_cross_entropy_with_logits(
            logits, target * known, pos_weight=share, reduction="none"
        )
        return (each * known).sum() / known.sum().clamp(min=1)

    return of_labels


def _of_smp(name: str, task: Task, **settings: Any) -> Loss:
    import segmentation_models_pytorch as smp

    ignore = IGNORE if task.has_void else None
    loss: Loss = getattr(smp.losses, name)(task.kind, ignore_index=ignore, **settings)
    if name not in ("FocalLoss", "LovaszLoss") or ignore is None:
        return loss

    def of_known(logits: Tensor, target: Tensor) -> Tensor:
        # Both pick out the known pixels, and take a mean of none for no number.
        return loss(logits, target) if (target != IGNORE).any() else 0.0 * logits.sum()

    return of_known
