"""How sure a mean is: error rates by simulation, and what is said of two models."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.evaluation.statistics import MIN_IMAGES, Verdict, mean_interval, paired

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
        told = paired(np.zeros(count), NO_DIFFERENCE[kind](rng, count))
        wrong += told.verdict in (Verdict.FIRST, Verdict.SECOND)
    assert wrong / REPEATED <= 0.06


@pytest.mark.parametrize("count", range(1, MIN_IMAGES))
def test_below_ten_images_no_winner_is_named_and_no_interval_given(count: int) -> None:
    told = paired(np.full(count, 0.5), np.linspace(0.8, 0.9, count))
    assert told.verdict is Verdict.TOO_FEW and not told.difference.is_known
    sentence = told.sentence("A", "B")
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
    told = mean_interval(values)
    assert -1e-12 <= told.low <= told.mean <= told.high <= 1 + 1e-12


@pytest.mark.parametrize("count", [10, 30])
def test_the_interval_of_skewed_scores_holds_their_true_mean(count: int) -> None:
    rng = np.random.default_rng(5)
    true, held = 12 / 13.2, 0
    for _ in range(400):
        told = mean_interval(rng.beta(12, 1.2, count))
        held += told.low <= true <= told.high
    assert held / 400 >= 0.94
