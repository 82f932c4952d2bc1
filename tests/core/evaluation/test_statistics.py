"""How sure a mean is: error rates by simulation, and what is said of two models."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.evaluation import metrics, statistics
from core.evaluation.statistics import MIN_IMAGES, Verdict, mean_interval, paired
from core.task import Task

Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]


REPEATED = 600


NO_DIFFERENCE: dict[str, Draw] = {
    "normal": lambda rng, n: rng.normal(0, 0.05, n),
    "exponential": lambda rng, n: 0.05 * (rng.exponential(1, n) - 1),
    "the other way": lambda rng, n: 0.05 * (1 - rng.exponential(1, n)),
    "lognormal": lambda rng, n: 0.05 * (rng.lognormal(0, 1, n) - np.exp(0.5)),
    "gamma": lambda rng, n: 0.1 * (rng.gamma(0.5, 1, n) - 0.5),
    "two models": lambda rng, n: rng.beta(12, 1.2, n) - rng.beta(12, 1.2, n),
    "mostly equal": lambda rng, n: np.where(rng.random(n) < 0.5, 0, rng.normal(0, 0.05, n)),
}


@pytest.mark.parametrize("count", [10, 20, 50])
@pytest.mark.parametrize("kind", NO_DIFFERENCE)
def test_a_winner_is_named_where_there_is_none_in_at_most_six_cases_of_a_hundred(
    kind: str, count: int
) -> None:
    rng = np.random.default_rng(11)
    wrong = 0
    for _ in range(REPEATED):
        result = paired(np.zeros(count), NO_DIFFERENCE[kind](rng, count))
        wrong += result.verdict in (Verdict.FIRST, Verdict.SECOND)
    assert wrong / REPEATED <= 0.06


@pytest.mark.parametrize("count", range(1, MIN_IMAGES))
def test_below_ten_images_no_winner_is_named_and_no_interval_given(count: int) -> None:
    result = paired(np.full(count, 0.5), np.linspace(0.8, 0.9, count))
    assert result.verdict is Verdict.TOO_FEW and not result.difference.is_known
    sentence = result.sentence("A", "B")
    assert "too few for a conclusion" in sentence
    assert "B is better." not in sentence and "nan" not in sentence
    assert "too few images for an interval" in str(mean_interval(np.linspace(0.8, 0.9, count)))


def test_a_clear_difference_is_found_with_ten_images() -> None:
    rng = np.random.default_rng(3)
    first = rng.beta(8, 2, 10) * 0.9
    assert paired(first, first + rng.normal(0.05, 0.02, 10)).verdict is Verdict.SECOND


def test_one_image_among_equals_decides_nothing() -> None:
    assert paired(np.zeros(20), np.eye(20)[0] * 0.9).verdict is Verdict.OPEN


@given(st.lists(st.floats(0, 1), min_size=MIN_IMAGES, max_size=30))
def test_an_interval_holds_its_mean_and_lies_where_means_can(values: list[float]) -> None:
    result = mean_interval(values)
    assert -1e-12 <= result.low <= result.mean <= result.high <= 1 + 1e-12


@pytest.mark.parametrize("count", [10, 30])
def test_the_interval_of_skewed_scores_holds_their_true_mean(count: int) -> None:
    rng = np.random.default_rng(5)
    true, held = 12 / 13.2, 0
    for _ in range(400):
        result = mean_interval(rng.beta(12, 1.2, count))
        held += result.low <= true <= result.high
    assert held / 400 >= 0.94


def test_the_interval_of_many_images_is_scipys_bootstrap() -> None:
    from scipy.stats import bootstrap

    values = np.random.default_rng(3).beta(8, 2, 1000)
    theirs = bootstrap((values,), np.mean, method="percentile", n_resamples=9999, rng=0).confidence_interval
    ours = statistics.mean_interval(values)
    assert ours.mean == pytest.approx(values.mean()) and ours.images == 1000
    assert ours.low == pytest.approx(theirs.low, abs=0.001)
    assert ours.high == pytest.approx(theirs.high, abs=0.001)


def test_the_interval_of_a_ratio_is_scipys() -> None:
    from scipy.stats import bootstrap

    rng = np.random.default_rng(5)
    tp, fp, fn = rng.integers(50, 400, 40), rng.integers(0, 90, 40), rng.integers(0, 90, 40)
    columns = [torch.from_numpy(x)[:, None] for x in (tp, fp, fn, rng.integers(500, 900, 40))]
    ours = statistics.pooled_intervals(metrics.Counts(*columns), Task())

    def dice(a: NDArray[np.int64], b: NDArray[np.int64], c: NDArray[np.int64], axis: int = -1) -> Any:
        return 2 * a.sum(axis) / (2 * a.sum(axis) + b.sum(axis) + c.sum(axis))

    theirs = bootstrap((tp, fp, fn), dice, paired=True, method="percentile", n_resamples=9999, rng=0)
    assert ours["dice_pooled"].mean == pytest.approx(dice(tp, fp, fn))
    assert ours["dice_pooled"].low == pytest.approx(theirs.confidence_interval.low, abs=0.003)
    assert ours["dice_pooled"].high == pytest.approx(theirs.confidence_interval.high, abs=0.003)
    scores = metrics.summarise(metrics.Counts(*columns), Task())
    for name in (
        "dice_pooled",
        "iou_pooled",
        "miou",
        "precision",
        "recall",
        "pixel_accuracy",
        "dice_mean",
        "iou_mean",
    ):
        assert ours[name].mean == pytest.approx(getattr(scores, name))
        assert ours[name].low <= ours[name].mean <= ours[name].high


def test_unknown_values_are_left_out_and_counted_out() -> None:
    result = statistics.mean_interval([0.5, float("nan"), 0.7])
    assert (result.mean, result.images) == (pytest.approx(0.6), 2)
    assert np.isnan(statistics.mean_interval([]).mean)


@pytest.mark.parametrize(
    ("shift", "words"), [(0.05, "B is better."), (-0.05, "A is better."), (0.0, "agree on all")]
)
def test_the_sentence_says_what_the_numbers_say(shift: float, words: str) -> None:
    rng = np.random.default_rng(2)
    first = rng.beta(8, 2, 58) * 0.9
    result = statistics.paired(first, first + shift + (rng.normal(0, 0.01, 58) if shift else 0))
    sentence = result.sentence("A", "B")
    assert words in sentence
    assert (result.better > result.worse) == (shift > 0)


def test_chance_is_called_chance() -> None:
    rng = np.random.default_rng(4)
    first = rng.random(40)
    assert "due to chance" in statistics.paired(first, first + rng.normal(0, 0.1, 40)).sentence("A", "B")


@pytest.mark.parametrize("differences", [[0.0] * 8 + [-0.1, 0.1], [0.0] * 17 + [-0.01, 0.01, 0.03, -0.03]])
def test_exchanging_two_models_mirrors_the_interval(differences: list[float]) -> None:
    first = np.full(len(differences), 0.5)
    second = first + differences
    forth, back = paired(first, second).difference, paired(second, first).difference
    assert (back.low, back.high) == pytest.approx((-forth.high, -forth.low), abs=1e-12)
