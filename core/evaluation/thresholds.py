"""Every threshold at once: from how many pixels of each image had which probability.

Each image's foreground and background pixels are counted in steps of 0.005 of probability. From these
counts the scores at any threshold on that grid are exact, without another look at the pixels.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.evaluation.statistics import Interval, ends, resampled_sums
from core.task import IGNORE

if TYPE_CHECKING:
    from core.evaluation.metrics import Counts

STEPS = 200
GRID = np.arange(STEPS + 1) / STEPS  # thresholds 0, 0.005 … 1
_EDGES = GRID.astype(np.float32)
CALIBRATION_BINS = 20


@dataclass(frozen=True, slots=True)
class Sweep:
    """Scores at each threshold of GRID. `dice_mean` and `iou_mean` over images, the others over all
    pixels; each (STEPS + 1,)."""

    dice: NDArray[np.float64]
    iou: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    dice_mean: NDArray[np.float64]
    iou_mean: NDArray[np.float64]

    @property
    def best(self) -> float:
        """The threshold of the highest mean Dice over images; of equals, the middle one."""
        highest = np.flatnonzero(self.dice_mean >= self.dice_mean.max() - 1e-12)
        return float(GRID[highest[len(highest) // 2]])


@dataclass(frozen=True, slots=True)
class Calibration:
    """For each filled bin of probability: its mean, the share of its pixels that are foreground, and
    how many pixels. `error` is the expected calibration error in 0..1."""

    confidence: NDArray[np.float64]
    foreground: NDArray[np.float64]
    pixels: NDArray[np.int64]
    error: float


def histogram(
    probability: NDArray[np.float32], truth: NDArray[np.uint8]
) -> tuple[NDArray[np.uint32], NDArray[np.float64]]:
    """Pixels by truth and probability, uint32 (2, STEPS + 1): bin k holds GRID[k] <= p < GRID[k + 1].

    And the probabilities of each bin's pixels, added up: (STEPS + 1,). Pixels whose truth is IGNORE
    are in none.
    """
    known = truth != IGNORE
    flat, truth = (probability.ravel(), truth.ravel()) if known.all() else (probability[known], truth[known])
    index = np.minimum((flat * np.float32(STEPS)).astype(np.int32), STEPS)
    index -= flat < _EDGES[index]  # the product may be rounded past the edge, up or down
    index += (index < STEPS) & (flat >= _EDGES[np.minimum(index + 1, STEPS)])
    sums = np.bincount(index, flat, STEPS + 1).astype(np.float64)
    index += np.int32(STEPS + 1) * (truth > 0)
    return np.bincount(index, minlength=2 * (STEPS + 1)).reshape(2, -1).astype(np.uint32), sums


def on_grid(threshold: float) -> bool:
    """Whether the counts know this threshold exactly."""
    return bool(abs(GRID[step_of(threshold)] - threshold) < 1e-9) if 0 <= threshold <= 1 else False


def step_of(threshold: float) -> int:
    """The place of a threshold on GRID; one in between counts as the next above it."""
    return min(STEPS, int(np.searchsorted(GRID, threshold - 1e-9)))


def counts_at(histograms: NDArray[np.uint32], step: int) -> "Counts":
    """Confusion counts of each image at one threshold. `histograms`: (images, 2, STEPS + 1)."""
    import torch

    from core.evaluation.metrics import Counts

    above = histograms[:, :, step:].sum(2, dtype=np.int64)
    total = histograms.sum(2, dtype=np.int64)
    tp, fp = above[:, 1:], above[:, :1]
    fn, tn = total[:, 1:] - tp, total[:, :1] - fp
    return Counts(*(torch.from_numpy(np.ascontiguousarray(x)) for x in (tp, fp, fn, tn)))


def sweep(histograms: NDArray[np.uint32]) -> Sweep:
    """Scores at every threshold. `histograms`: (images, 2, STEPS + 1)."""
    dice, iou = np.zeros(STEPS + 1), np.zeros(STEPS + 1)
    for some in np.array_split(np.arange(len(histograms)), max(1, len(histograms) // 2000)):
        counts = _at_all(histograms[some])
        dice += counts.dice().sum(0).numpy()
        iou += counts.iou().sum(0).numpy()
    total = _at_all(histograms.sum(0, dtype=np.int64)[None])
    over = max(1, len(histograms))
    return Sweep(
        total.dice()[0].numpy(), total.iou()[0].numpy(), total.precision()[0].numpy(),
        total.recall()[0].numpy(), dice / over, iou / over,
    )  # fmt: skip


def average_precision(found: Sweep) -> float:
    """Area under precision over recall, in steps as scikit-learn's average_precision_score."""
    recall = np.append(found.recall, 0.0)
    return float(np.sum((recall[:-1] - recall[1:]) * found.precision))


def calibration(
    histograms: NDArray[np.uint32], sums: NDArray[np.float64], bins: int = CALIBRATION_BINS
) -> Calibration:
    """How far probabilities may be taken at their word, over all pixels.

    `sums` (STEPS + 1,) are the probabilities of each bin's pixels, added up. Source of the measure:
    Guo et al. (2017), https://arxiv.org/abs/1706.04599, here for the foreground's probability.
    """
    group = np.minimum(np.arange(STEPS + 1) * bins // STEPS, bins - 1)
    pixels = histograms.sum(0, dtype=np.int64)
    count = np.bincount(group, pixels.sum(0), bins)
    filled = count > 0
    inside = np.bincount(group, pixels[1], bins)[filled] / count[filled]
    confidence = np.bincount(group, sums, bins)[filled] / count[filled]
    error = float(np.sum(np.abs(inside - confidence) * count[filled]) / max(1, count.sum()))
    return Calibration(confidence, inside, count[filled].astype(np.int64), error)


def pixel_intervals(
    histograms: NDArray[np.uint32], sums: NDArray[np.float64], bins: int = CALIBRATION_BINS
) -> tuple[Interval, Interval]:
    """Average precision and expected calibration error with their intervals, whole images drawn again.

    `sums` as in `calibration`; the mean probability of a bin's pixels is taken to be that of all images.
    """
    count = len(histograms)
    drawn = resampled_sums(histograms.reshape(count, -1)).reshape(-1, 2, STEPS + 1)
    tp, fp = (drawn[:, i, ::-1].cumsum(1)[:, ::-1] for i in (1, 0))
    recall = np.pad(tp / np.maximum(tp[:, :1], 1), ((0, 0), (0, 1)))
    area = ((recall[:, :-1] - recall[:, 1:]) * (tp / np.maximum(tp + fp, 1))).sum(1)

    group = np.minimum(np.arange(STEPS + 1) * bins // STEPS, bins - 1)
    which = (group[:, None] == np.arange(bins)).astype(np.float64)  # (STEPS + 1, bins)
    pixels = histograms.sum((0, 1), dtype=np.int64)
    confidence = np.where(pixels > 0, sums / np.maximum(pixels, 1), 0)
    both = drawn.sum(1)
    gap = np.abs(drawn[:, 1] @ which - (both * confidence) @ which)
    error = gap.sum(1) / np.maximum(both.sum(1), 1)
    return (
        Interval(average_precision(sweep(histograms)), *ends(area), count),
        Interval(calibration(histograms, sums, bins).error, *ends(error), count),
    )


def _at_all(histograms: NDArray[np.integer]) -> "Counts":
    """Counts with a column for each threshold instead of each class."""
    import torch

    from core.evaluation.metrics import Counts

    above = histograms[:, :, ::-1].cumsum(2, dtype=np.int64)[:, :, ::-1]
    tp, fp = above[:, 1], above[:, 0]
    fn, tn = tp[:, :1] - tp, fp[:, :1] - fp
    return Counts(*(torch.from_numpy(np.ascontiguousarray(x)) for x in (tp, fp, fn, tn)))
