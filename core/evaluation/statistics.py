"""How sure a mean is: bootstrap intervals, alone and for two models on the same images."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.task import Task

if TYPE_CHECKING:
    from core.evaluation.metrics import Counts

NAN = float("nan")
RESAMPLES = 2000
LEVEL = 0.95
SEED = 0
MAX_DRAWN = 4_000_000  # numbers held at once while resampling


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over `images` with the ends of its 95 % interval. NaN, all three, for no image."""

    mean: float
    low: float
    high: float
    images: int

    def __str__(self) -> str:
        return f"{self.mean:.4f} ({self.low:.4f} to {self.high:.4f})"


@dataclass(frozen=True, slots=True)
class Paired:
    """`second` against `first` on the same images: the mean of second minus first, and on how many
    images each is better."""

    difference: Interval
    better: int
    worse: int

    @property
    def images(self) -> int:
        return self.difference.images

    def sentence(self, first: str, second: str, measure: str = "Dice") -> str:
        """In plain words, with what may be concluded."""
        d = self.difference
        if not self.images:
            return "There is no image that both have predicted."
        if self.better == self.worse == 0:
            return f"{second} and {first} agree on all {self.images:,} images."
        told = (
            f"{second} is better on {self.better:,} of {self.images:,} images and worse on {self.worse:,}; "
            f"mean {measure} {d.mean:+.4f}, 95 % interval {d.low:+.4f} to {d.high:+.4f}."
        )
        if d.low > 0:
            return f"{told} {second} is better."
        if d.high < 0:
            return f"{told} {first} is better."
        return f"{told} That may be chance: the interval holds 0."


def mean_interval(values: ArrayLike, seed: int = SEED) -> Interval:
    """The mean of finite values, one an image, and its percentile bootstrap interval.

    Source: Efron (1979), https://doi.org/10.1214/aos/1176344552.
    """
    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known)]
    if not len(known):
        return Interval(NAN, NAN, NAN, 0)
    means = resampled_sums(known[:, None], seed)[:, 0] / len(known)
    return Interval(float(known.mean()), *ends(means), len(known))


def pooled_intervals(counts: "Counts", task: Task, seed: int = SEED) -> dict[str, Interval]:
    """The figures over all pixels, `…_mean` those over images, each with its interval. What is drawn
    again are whole images: the pixels of one are not independent."""
    import torch

    from core.evaluation import metrics

    n, classes = counts.tp.shape
    figures = metrics.pooled(counts.total(), task)
    by_image = metrics.image_scores(counts, task)
    names = [*figures, *(f"{name}_mean" for name in by_image)]
    if not n:
        return dict.fromkeys(names, Interval(NAN, NAN, NAN, 0))
    columns = [x.numpy() for x in (counts.tp, counts.fp, counts.fn, counts.tn)]
    sums = resampled_sums(np.concatenate([*columns, torch.stack([*by_image.values()], 1).numpy()], 1), seed)
    again = sums[:, : 4 * classes].round().astype(np.int64).reshape(-1, 4, classes)
    pooled = metrics.pooled(metrics.Counts(*(torch.from_numpy(again[:, i]) for i in range(4))), task)
    drawn = [*(values.numpy() for values in pooled.values()), *(sums[:, 4 * classes :] / n).T]
    means = [*(f.item() for f in figures.values()), *(v.mean().item() for v in by_image.values())]
    return {name: Interval(mean, *ends(d), n) for name, mean, d in zip(names, means, drawn, strict=True)}


def paired(first: ArrayLike, second: ArrayLike, seed: int = SEED) -> Paired:
    """Compare two models' scores of the same images, in the same order."""
    difference = np.asarray(second, np.float64) - np.asarray(first, np.float64)
    known = difference[np.isfinite(difference)]
    return Paired(mean_interval(known, seed), int((known > 0).sum()), int((known < 0).sum()))


def rank_correlation(first: ArrayLike, second: ArrayLike) -> float:
    """Spearman's: 1 where one rises whenever the other does. NaN for fewer than three images."""
    from scipy.stats import spearmanr

    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    known = np.isfinite(a) & np.isfinite(b)
    if known.sum() < 3 or np.ptp(a[known]) == 0 or np.ptp(b[known]) == 0:
        return float("nan")
    return float(spearmanr(a[known], b[known]).statistic)


def resampled_sums(values: NDArray[Any], seed: int = SEED) -> NDArray[np.float64]:
    """Sums over as many drawn images as there are, RESAMPLES times: (images, k) -> (RESAMPLES, k)."""
    count = len(values)
    rng = np.random.default_rng(seed)
    at_once = max(1, MAX_DRAWN // count)
    sums = []
    for first in range(0, RESAMPLES, at_once):
        rows = min(at_once, RESAMPLES - first)
        drawn = rng.integers(0, count, (rows, count)) + np.arange(rows)[:, None] * count
        often = np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count)
        sums.append(often.astype(np.float64) @ values.astype(np.float64))
    return np.concatenate(sums)


def ends(values: NDArray[np.float64]) -> tuple[float, float]:
    """Between which the middle 95 % lie."""
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
