"""Scores at every threshold, from the number of pixels of each image at each probability.

Each image's foreground and background pixels are counted in bins of probability: steps of 0.005, and finer
ones towards 0 and 1 that follow the logit, because a confident model puts nearly all pixels there. From these
counts the scores at any threshold of the grid are exact, without reading the pixels again.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.evaluation.statistics import MIN_IMAGES, NAN, Interval, ends, resampled_sums
from core.task import IGNORE

if TYPE_CHECKING:
    from core.evaluation.metrics import Counts

STEPS = 200
GRID = np.arange(STEPS + 1) / STEPS  # thresholds 0, 0.005 … 1
# Between logits of -2.25 and 2.25 the grid is finer; above 17 float32 knows no probability but 1.
_LOGITS = np.concatenate([np.arange(-85, -17, 2), np.arange(-17, -2.2, 1 / 16), np.arange(2.25, 17, 1 / 16)])
EDGES = np.unique(np.concatenate([GRID, 1 / (1 + np.exp(-_LOGITS))]).astype(np.float32))
BINS = len(EDGES)  # bin k holds EDGES[k] <= p < EDGES[k + 1]; the last, p = 1
_ON_GRID = np.searchsorted(EDGES, GRID.astype(np.float32))  # the bin that begins at each threshold
CALIBRATION_BINS = 20
_IN_HUNDREDTHS = np.arange(2, STEPS, 2)  # of GRID: 0.01 to 0.99, all that a threshold can be known to
FAR = 0.1  # from 0 and from 1, within which a best threshold says that probabilities are off


@dataclass(frozen=True, slots=True)
class Sweep:
    """Scores at each threshold of GRID. `dice_mean` and `iou_mean` over images, the others over all
    pixels; each (STEPS + 1,). `fine_precision` and `fine_recall` at each of EDGES: (BINS,)."""

    dice: NDArray[np.float64]
    iou: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    dice_mean: NDArray[np.float64]
    iou_mean: NDArray[np.float64]
    fine_precision: NDArray[np.float64]
    fine_recall: NDArray[np.float64]

    @property
    def best(self) -> float:
        """The threshold of the highest mean Dice over images, of those in hundredths; of equals, the middle
        one."""
        dice = self.dice_mean[_IN_HUNDREDTHS]
        highest = np.flatnonzero(dice >= dice.max() - 1e-12)
        return round(float(GRID[_IN_HUNDREDTHS[highest[len(highest) // 2]]]), 2)

    @property
    def is_far_off(self) -> bool:
        """Whether the best threshold lies so near 0 or 1 that the model's probabilities cannot be taken at
        their word: no threshold to advise, but a model to train further."""
        return not FAR <= self.best <= 1 - FAR


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
    """Pixels by truth and probability, uint32 (2, BINS), and the probabilities of each bin's pixels,
    added up: (BINS,). Pixels whose truth is IGNORE are in none.
    """
    known = truth != IGNORE
    flat, truth = (probability.ravel(), truth.ravel()) if known.all() else (probability[known], truth[known])
    index = _bins_of(flat)
    sums = np.bincount(index, flat, BINS).astype(np.float64)
    index += np.int32(BINS) * (truth > 0)
    return np.bincount(index, minlength=2 * BINS).reshape(2, -1).astype(np.uint32), sums


def on_grid(threshold: float) -> bool:
    """Whether the counts know this threshold exactly."""
    return bool(abs(GRID[step_of(threshold)] - threshold) < 1e-9) if 0 <= threshold <= 1 else False


def step_of(threshold: float) -> int:
    """The place of a threshold on GRID; one in between counts as the next above it."""
    return min(STEPS, int(np.searchsorted(GRID, threshold - 1e-9)))


def counts_at(histograms: NDArray[np.uint32], step: int) -> "Counts":
    """Confusion counts of each image at one threshold of GRID. `histograms`: (images, 2, BINS)."""
    import torch

    from core.evaluation.metrics import Counts

    above = histograms[:, :, _ON_GRID[step] :].sum(2, dtype=np.int64)
    total = histograms.sum(2, dtype=np.int64)
    tp, fp = above[:, 1:], above[:, :1]
    fn, tn = total[:, 1:] - tp, total[:, :1] - fp
    return Counts(*(torch.from_numpy(np.ascontiguousarray(x)) for x in (tp, fp, fn, tn)))


def sweep(histograms: NDArray[np.uint32]) -> Sweep:
    """Scores at every threshold. `histograms`: (images, 2, BINS)."""
    dice, iou = np.zeros(STEPS + 1), np.zeros(STEPS + 1)
    for some in np.array_split(np.arange(len(histograms)), max(1, len(histograms) // 2000)):
        counts = _at_all(histograms[some], _ON_GRID)
        dice += counts.dice().sum(0).numpy()
        iou += counts.iou().sum(0).numpy()
    total = _at_all(histograms.sum(0, dtype=np.int64)[None], np.arange(BINS))
    at = {name: getattr(total, name)()[0].numpy() for name in ("dice", "iou", "precision", "recall")}
    over = max(1, len(histograms))
    return Sweep(
        **{name: values[_ON_GRID] for name, values in at.items()},
        dice_mean=dice / over, iou_mean=iou / over,
        fine_precision=at["precision"], fine_recall=at["recall"],
    )  # fmt: skip


def average_precision(histograms: NDArray[np.uint32]) -> float:
    """Area under precision over recall of all pixels: scikit-learn's average_precision_score to some
    ten-thousandths. `histograms`: (images, 2, BINS)."""
    return float(_area(histograms.sum(0, dtype=np.int64)[None])[0])


def calibration(
    histograms: NDArray[np.uint32], sums: NDArray[np.float64], bins: int = CALIBRATION_BINS
) -> Calibration:
    """How far probabilities may be taken at their word, over all pixels.

    `sums` (BINS,) are the probabilities of each bin's pixels, added up. Source of the measure:
    Guo et al. (2017), https://arxiv.org/abs/1706.04599, here for the foreground's probability.
    """
    group = _group(bins)
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
    area, error = average_precision(histograms), calibration(histograms, sums, bins).error
    if count < MIN_IMAGES:
        return Interval(area, NAN, NAN, count), Interval(error, NAN, NAN, count)
    drawn = resampled_sums(histograms.reshape(count, -1)).reshape(-1, 2, BINS)
    areas = _area(drawn)

    group = _group(bins)
    which = (group[:, None] == np.arange(bins)).astype(np.float64)  # (BINS, bins)
    pixels = histograms.sum((0, 1), dtype=np.int64)
    confidence = np.where(pixels > 0, sums / np.maximum(pixels, 1), 0)
    both = drawn.sum(1)
    gap = np.abs(drawn[:, 1] @ which - (both * confidence) @ which)
    errors = gap.sum(1) / np.maximum(both.sum(1), 1)
    return Interval(area, *ends(areas), count), Interval(error, *ends(errors), count)


def _area(totals: NDArray[Any]) -> NDArray[np.float64]:
    """Average precision of each row of added-up counts (rows, 2, BINS).

    Within a bin, foreground and background are taken to be mixed evenly, so that precision goes from
    that above the bin to that with it as (tp + t dtp) / (n + t dn), t from 0 to 1: the integral over t
    is in closed form. In the first and the last bin the probabilities are equal, and so is precision.
    """
    here = totals[:, :, ::-1].astype(np.float64)
    dtp, dn = here[:, 1], here.sum(1)
    tp, n = (x.cumsum(1) - x for x in (dtp, dn))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = dtp / dn
        precision = share + (tp - n * share) / dn * np.log1p(dn / n)
        ends = (tp + dtp) / (n + dn)
    precision = np.where(n > 0, precision, ends)
    precision[:, [0, -1]] = ends[:, [0, -1]]
    parts = np.where(dtp > 0, precision, 0) * dtp
    return np.asarray(parts.sum(1) / np.maximum(dtp.sum(1), 1), np.float64)


def _group(bins: int) -> NDArray[np.int64]:
    """Which of this many equal parts of 0..1 each bin lies in."""
    return np.minimum((EDGES.astype(np.float64) * bins + 1e-6).astype(np.int64), bins - 1)


def _bins_of(flat: NDArray[np.float32]) -> NDArray[np.int32]:
    """The bin of each probability, int32 (pixels,): by a table of the leading bits of the distance to 0
    or 1, whichever is nearer, and one comparison. A search would take ten times as long."""
    upper = flat > 0.5
    nearer = np.where(upper, np.float32(1) - flat, flat)
    cell = (nearer.view(np.int32) >> _DROPPED) + upper * np.int32(_HALF)
    index = _FIRST_BIN[cell]
    for _ in range(_EDGES_A_CELL):
        index += flat >= _NEXT_EDGE[index]
    return np.asarray(index, np.int32)


def _table() -> tuple[NDArray[np.int32], int]:
    """The lowest bin that the probabilities of each cell lie in, and the most edges within a cell."""
    starts = (np.arange(_HALF + 1, dtype=np.int32) << _DROPPED).view(np.float32).clip(max=0.5)
    low = np.concatenate([starts[:-1], 1 - starts[1:]]).astype(np.float32)
    high = np.concatenate([starts[1:], 1 - starts[:-1]]).astype(np.float32)
    first, last = (np.searchsorted(EDGES, x, side="right").astype(np.int32) - 1 for x in (low, high))
    return first, int((last - first).max())


_DROPPED = 15  # bits of the mantissa that a cell leaves open: eight are kept
_HALF = (0x3F000000 >> _DROPPED) + 1  # cells up to a probability of 0.5
_FIRST_BIN, _EDGES_A_CELL = _table()
_NEXT_EDGE = np.append(EDGES[1:], np.float32(np.inf))


def _at_all(histograms: NDArray[np.integer], at: NDArray[np.int64]) -> "Counts":
    """Counts with a column for each of the bins `at` which a threshold lies instead of each class."""
    import torch

    from core.evaluation.metrics import Counts

    above = histograms[:, :, ::-1].cumsum(2, dtype=np.int64)[:, :, ::-1][:, :, at]
    tp, fp = above[:, 1], above[:, 0]
    fn, tn = tp[:, :1] - tp, fp[:, :1] - fp
    return Counts(*(torch.from_numpy(np.ascontiguousarray(x)) for x in (tp, fp, fn, tn)))
