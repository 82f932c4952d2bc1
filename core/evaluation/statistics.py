"""Bootstrap intervals of a mean, alone and for the difference of two models on the same images."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.system.formatting import plural
from core.system.score_names import DICE_MEAN, renamed, score
from core.task import Task

if TYPE_CHECKING:
    from core.evaluation.metrics import Counts

NAN = float("nan")
RESAMPLES = 2000
LEVEL = 0.95
SEED = 0
MIN_IMAGES = 10  # with fewer, no interval covers what it claims, and nothing is concluded
MAX_DRAWN = 4_000_000  # numbers held at once while resampling


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over `images` with the ends of its 95 % interval, NaN below MIN_IMAGES images. NaN, all
    three, for no image."""

    mean: float
    low: float
    high: float
    images: int

    @property
    def is_known(self) -> bool:
        """Whether there are images enough for an interval."""
        return not math.isnan(self.low)

    @property
    def ends(self) -> tuple[float, float] | None:
        """Both ends, None where there are none: NaN is not JSON."""
        return (self.low, self.high) if self.is_known else None

    def range_as(self, shown: Callable[[float], str] = score) -> str:
        """The two ends in words, or why there are none."""
        if not self.is_known:
            return "too few images for an interval"
        return f"{shown(self.low)} to {shown(self.high)}"

    def __str__(self) -> str:
        return f"{score(self.mean)} ({self.range_as()})"


class Verdict(Enum):
    """The conclusion about two models on the same images."""

    NO_IMAGES = "no images"
    TOO_FEW = "too few images"
    EQUAL = "equal"
    FIRST = "first is better"
    SECOND = "second is better"
    OPEN = "may be chance"

    @property
    def is_conclusive(self) -> bool:
        """Whether it names a better model."""
        return self in (Verdict.FIRST, Verdict.SECOND)


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

    @property
    def verdict(self) -> Verdict:
        if not self.images:
            return Verdict.NO_IMAGES
        if self.better == self.worse == 0:
            return Verdict.EQUAL
        if self.images < MIN_IMAGES:
            return Verdict.TOO_FEW
        if self.difference.low > 0:
            return Verdict.SECOND
        return Verdict.FIRST if self.difference.high < 0 else Verdict.OPEN

    def sentence(self, first: str, second: str, measure: str = DICE_MEAN) -> str:
        """The difference in words, and the conclusion."""
        d, count = self.difference, plural(self.images, "image")
        found = (
            f"{second} is better on {self.better:,} of {count} and worse on {self.worse:,}; "
            f"{measure} {d.mean:+.4f}"
        )
        ends = f"{found}, 95 % interval {d.low:+.4f} to {d.high:+.4f}."
        match self.verdict:
            case Verdict.NO_IMAGES:
                return "There is no image that both models have predicted."
            case Verdict.EQUAL:
                return f"{second} and {first} agree on all {count}."
            case Verdict.TOO_FEW:
                return f"{found}. {count} are too few for a conclusion: at least {MIN_IMAGES} are needed."
            case Verdict.SECOND:
                return f"{ends} {second} is better."
            case Verdict.FIRST:
                return f"{ends} {first} is better."
            case Verdict.OPEN:
                return f"{ends} The difference may be due to chance: the interval includes 0."


def mean_interval(values: ArrayLike, seed: int = SEED, bounds: tuple[float, float] = (0.0, 1.0)) -> Interval:
    """The mean of finite values, one an image, and its 95 % interval; `bounds` are the smallest and the
    largest mean that there can be.

    The studentised bootstrap, which follows skewed values where the percentile bootstrap is too sure of
    itself, and never narrower than Student's interval. Its tails are (1 - 8 / n) of 2.5 %: with so few
    images the bootstrap of heavy tails would otherwise miss in 7 to 8 cases of a hundred. Source:
    Efron and Tibshirani (1993), An Introduction to the Bootstrap, section 12.5.
    """
    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known)]
    count = len(known)
    if not count:
        return Interval(NAN, NAN, NAN, 0)
    mean = float(known.mean())
    if count < MIN_IMAGES:
        return Interval(mean, NAN, NAN, count)
    error = float(known.std(ddof=1)) / math.sqrt(count)
    if error <= 1e-12:
        return Interval(mean, mean, mean, count)
    below, above = _studentised(known - mean, seed)
    low, high = mean - above * error, mean - below * error
    return Interval(mean, max(low, min(bounds[0], mean)), min(high, max(bounds[1], mean)), count)


def _studentised(away: NDArray[np.float64], seed: int) -> tuple[float, float]:
    """The quantiles of (mean - true mean) / standard error, the true mean being 0 in what is drawn."""
    from scipy.stats import t as student

    count = len(away)
    sums = resampled_sums(np.stack([away, away**2], axis=1), seed)
    means = sums[:, 0] / count
    errors = np.sqrt(np.maximum(sums[:, 1] / count - means**2, 0) / (count - 1))
    nothing = 1e-9 * np.abs(away).max()
    flat = errors <= nothing  # one and the same value, drawn again and again
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(flat, np.sign(means) * np.inf, means / errors)
    ratios[flat & (np.abs(means) <= nothing)] = 0.0  # and that was the mean
    tail = (1 - LEVEL) / 2 * (1 - 8 / count)
    ranked, place = np.sort(ratios), int(tail * RESAMPLES)
    widest = float(student.ppf((1 + LEVEL) / 2, count - 1))
    return min(-widest, float(ranked[place])), max(widest, float(ranked[-1 - place]))


def pooled_intervals(counts: "Counts", task: Task, seed: int = SEED) -> dict[str, Interval]:
    """The figures over all pixels, `…_mean` those over images, each with its interval. What is drawn
    again are whole images: the pixels of one are not independent. The intervals of figures over all
    pixels are percentiles: Efron (1979), https://doi.org/10.1214/aos/1176344552."""
    import torch

    from core.evaluation import metrics

    n, classes = counts.tp.shape
    figures, by_image = metrics.pooled(counts.total(), task), metrics.image_scores(counts, task)
    found = {f"{name}_mean": mean_interval(values.numpy(), seed) for name, values in by_image.items()}
    if n < MIN_IMAGES:
        few = {name: Interval(f.item() if n else NAN, NAN, NAN, n) for name, f in figures.items()}
        return {renamed(name): interval for name, interval in few.items()} | found
    columns = [x.numpy() for x in (counts.tp, counts.fp, counts.fn, counts.tn)]
    again = resampled_sums(np.concatenate(columns, 1), seed).round().astype(np.int64).reshape(-1, 4, classes)
    drawn = metrics.pooled(metrics.Counts(*(torch.from_numpy(again[:, i]) for i in range(4))), task)
    over_pixels = {
        renamed(name): Interval(f.item(), *ends(drawn[name].numpy()), n) for name, f in figures.items()
    }
    return over_pixels | found


def paired(first: ArrayLike, second: ArrayLike, seed: int = SEED) -> Paired:
    """Compare two models' scores of the same images, in the same order."""
    difference = np.asarray(second, np.float64) - np.asarray(first, np.float64)
    known = difference[np.isfinite(difference)]
    interval = mean_interval(known, seed, bounds=(-1.0, 1.0))
    return Paired(interval, int((known > 0).sum()), int((known < 0).sum()))


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
