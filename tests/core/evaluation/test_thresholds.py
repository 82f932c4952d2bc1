"""Scores at every threshold, calibration and average precision against scikit-learn."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, precision_recall_curve

from core.evaluation import metrics, thresholds

probabilities = arrays.arrays(
    np.float32, (9, 11), elements=st.floats(0, 1, width=32) | st.sampled_from([0.005, 0.29, 0.5, 0.575, 1.0])
)


@settings(deadline=None)
@given(probabilities, st.integers(0, thresholds.STEPS), st.integers(0, 2**32 - 1))
def test_counts_from_the_histogram_are_those_of_the_pixels(
    probability: NDArray[np.float32], step: int, seed: int
) -> None:
    truth = np.random.default_rng(seed).integers(0, 2, probability.shape, np.uint8)
    histogram, sums = thresholds.histogram(probability, truth)
    counts = thresholds.counts_at(histogram[None], step)
    level = np.float32(thresholds.GRID[step])
    direct = metrics.count(torch.from_numpy(probability >= level)[None], torch.from_numpy(truth)[None])
    assert [x.item() for x in (counts.tp, counts.fp, counts.fn, counts.tn)] == [
        x.item() for x in (direct.tp, direct.fp, direct.fn, direct.tn)
    ]
    assert sums.sum() == pytest.approx(probability.sum(dtype=np.float64))


def some_images(count: int = 7) -> tuple[list[NDArray[np.float32]], list[NDArray[np.uint8]]]:
    rng = np.random.default_rng(1)
    truth = [(rng.random((20, 30)) < 0.3).astype(np.uint8) for _ in range(count)]
    guess = [np.clip(0.5 * t + rng.random(t.shape) * 0.6, 0, 1).astype(np.float32) for t in truth]
    return guess, truth


def test_the_curves_are_scikit_learns() -> None:
    guess, truth = some_images()
    histograms = np.stack([thresholds.histogram(g, t)[0] for g, t in zip(guess, truth, strict=True)])
    sums = sum(thresholds.histogram(g, t)[1] for g, t in zip(guess, truth, strict=True))
    swept = thresholds.sweep(histograms)
    # scikit-learn sees the probabilities at the grid's resolution, as the histogram does
    y = np.concatenate([t.ravel() for t in truth])
    p = np.concatenate([g.ravel() for g in guess])
    binned = thresholds.GRID[np.searchsorted(thresholds.GRID.astype(np.float32), p, side="right") - 1]
    assert thresholds.average_precision(histograms) == pytest.approx(average_precision_score(y, p), abs=1e-3)
    precision, recall, levels = precision_recall_curve(y, binned)
    at = np.searchsorted(thresholds.GRID, levels)
    assert np.allclose(swept.precision[at], precision[:-1]) and np.allclose(swept.recall[at], recall[:-1])

    calibrated = thresholds.calibration(histograms, np.asarray(sums))
    inside, confidence = calibration_curve(y, p, n_bins=thresholds.CALIBRATION_BINS)
    assert np.allclose(calibrated.foreground, inside, atol=0.01)
    assert np.allclose(calibrated.confidence, confidence, atol=0.005)
    weighted = np.sum(np.abs(inside - confidence) * calibrated.pixels) / len(y)
    assert calibrated.error == pytest.approx(weighted, abs=0.01)


def test_the_intervals_of_the_curves_hold_them_and_narrow_with_more_images() -> None:
    widths = []
    for count in (10, 100):
        guess, truth = some_images(count)
        both = [thresholds.histogram(g, t) for g, t in zip(guess, truth, strict=True)]
        histograms, sums = np.stack([h for h, _ in both]), np.sum([s for _, s in both], axis=0)
        area, error = thresholds.pixel_intervals(histograms, sums)
        assert area.mean == thresholds.average_precision(histograms)
        assert error.mean == thresholds.calibration(histograms, sums).error
        for interval in (area, error):
            assert interval.low <= interval.mean <= interval.high + 1e-3 and interval.images == count
        widths.append(area.high - area.low)
    assert widths[1] < widths[0] / 2


def test_the_best_threshold_is_the_one_with_the_highest_mean_dice() -> None:
    guess, truth = some_images()
    histograms = np.stack([thresholds.histogram(g, t)[0] for g, t in zip(guess, truth, strict=True)])
    swept = thresholds.sweep(histograms)
    by_hand = []
    for level in thresholds.GRID.astype(np.float32):
        counts = [metrics.count(torch.from_numpy(g >= level)[None], torch.from_numpy(t)[None])
                  for g, t in zip(guess, truth, strict=True)]  # fmt: skip
        by_hand.append(metrics.join(counts).dice().mean().item())
    assert np.allclose(swept.dice_mean, by_hand)
    assert by_hand[thresholds.step_of(swept.best)] == pytest.approx(max(by_hand[2:-1:2]))
    assert not swept.is_far_off


@pytest.mark.parametrize("lowest", [1e-5, 6e-4])
def test_a_best_threshold_is_in_hundredths_and_says_when_probabilities_are_off(lowest: float) -> None:
    truth = np.zeros((20, 30), np.uint8)
    truth[:, :10] = 1
    guess = np.where(truth > 0, 0.012, lowest).astype(np.float32)  # right, and never sure
    swept = thresholds.sweep(thresholds.histogram(guess, truth)[0][None])
    assert swept.best == 0.01 and swept.is_far_off


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
