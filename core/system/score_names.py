"""Names and number formats of scores, the same everywhere."""

import math
from collections.abc import Mapping

DICE_MEAN, DICE_POOLED = "Dice (mean over images)", "Dice (pooled pixels)"
IOU_MEAN, IOU_POOLED = "IoU (mean over images)", "IoU (pooled pixels)"
MIOU, PIXEL_ACCURACY = "Mean IoU (pooled pixels)", "Pixel accuracy"
LABELS = {
    "dice_mean": DICE_MEAN,
    "dice_pooled": DICE_POOLED,
    "iou_mean": IOU_MEAN,
    "iou_pooled": IOU_POOLED,
    "miou": MIOU,
    "pixel_accuracy": PIXEL_ACCURACY,
    "precision": "Precision (pooled pixels)",
    "recall": "Recall (pooled pixels)",
}
SCORE_FORMAT = "%.4f"  # of columns in tables
_RENAMED = {"dice": "dice_pooled", "iou": "iou_pooled"}


def score(value: float) -> str:
    """A score in 0..1 with four decimals: "0.9456"; "unknown" for NaN."""
    return "unknown" if math.isnan(value) else f"{value:.4f}"


def renamed(key: str) -> str:
    """The current key of a score: older files have "dice" and "iou" for figures pooled over pixels."""
    return _RENAMED.get(key, key)


def named_score(scores: Mapping[str, float]) -> str:
    """The Dice of a model's card with its full name: the mean over images if known, else over pooled
    pixels; "" if there is neither."""
    key = _headline(scores)
    return f"{LABELS[key]} {score(scores[key])}" if key else ""


def score_first(scores: Mapping[str, float]) -> str:
    """The same for lists, whose narrow boxes cut off the end: "0.9456 Dice (mean over images)"."""
    key = _headline(scores)
    return f"{score(scores[key])} {LABELS[key]}" if key else ""


def _headline(scores: Mapping[str, float]) -> str:
    return next((key for key in ("dice_mean", "dice_pooled") if key in scores), "")
