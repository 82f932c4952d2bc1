"""Average precision and counts from bins, held against scikit-learn on models that are sure of themselves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from core.evaluation import thresholds


@pytest.mark.parametrize("spread", [0.5, 4, 12, 30])
@pytest.mark.parametrize("share", [0.02, 0.3])
def test_average_precision_is_scikit_learns_on_sharp_models(spread: float, share: float) -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random((4, 200, 250)) < share).astype(np.uint8)
    logits = np.where(truth > 0, 0.5, -0.5) * spread + rng.normal(0, 0.6 * spread, truth.shape)
    probability = (1 / (1 + np.exp(-logits))).astype(np.float32)
    histograms = np.stack([thresholds.histogram(p, t)[0] for p, t in zip(probability, truth, strict=True)])
    theirs = average_precision_score(truth.ravel(), probability.ravel())
    assert thresholds.average_precision(histograms) == pytest.approx(theirs, abs=0.002)


def test_average_precision_of_a_model_that_knows_0_and_1_alone_is_scikit_learns() -> None:
    rng = np.random.default_rng(1)
    truth = (rng.random((100, 100)) < 0.3).astype(np.uint8)
    hard = (truth ^ (rng.random(truth.shape) < 0.1)).astype(np.float32)
    histograms = thresholds.histogram(hard, truth)[0][None]
    theirs = average_precision_score(truth.ravel(), hard.ravel())
    assert thresholds.average_precision(histograms) == pytest.approx(theirs)


@given(
    st.lists(
        st.floats(0, 1, width=32)
        | st.sampled_from(list(map(float, thresholds.EDGES)))
        | st.floats(0, 2.0**-100, width=32)
        | st.floats(float(np.float32(1 - 1e-5)), 1, width=32),
        min_size=1,
        max_size=40,
    )
)
def test_every_probability_falls_into_its_bin(values: list[float]) -> None:
    probability = np.array(values, np.float32)
    histogram, _ = thresholds.histogram(probability, np.ones(probability.shape, np.uint8))
    expected = np.searchsorted(thresholds.EDGES, probability, side="right") - 1
    assert np.array_equal(np.repeat(np.arange(thresholds.BINS), histogram[1]), np.sort(expected))


def test_every_threshold_of_the_grid_is_an_edge() -> None:
    assert np.isin(thresholds.GRID.astype(np.float32), thresholds.EDGES).all()
