"""The precision-recall chart shows what average precision says, of models that are sure of themselves too."""

import numpy as np
import pytest

from core.evaluation import plots, thresholds


@pytest.mark.parametrize("sharpness", [1.0, 15.0])
def test_the_area_under_the_curve_that_is_drawn_is_the_average_precision(sharpness: float) -> None:
    random = np.random.default_rng(0)
    truth = (random.random((12, 60, 60)) < 0.3).astype(np.uint8)
    logits = sharpness * (random.normal(0, 1, truth.shape) + truth - 0.5)
    probability = (1 / (1 + np.exp(-logits))).astype(np.float32)
    histograms = np.stack([thresholds.histogram(p, t)[0] for p, t in zip(probability, truth, strict=True)])
    curve = plots.precision_recall(thresholds.sweep(histograms), 0.5).data[0]
    recall, precision = (np.asarray(values, float)[::-1] for values in (curve.x, curve.y))
    area = recall[0] * precision[0] + np.sum(np.diff(recall) * (precision[1:] + precision[:-1]) / 2)
    assert area == pytest.approx(thresholds.average_precision(histograms), abs=0.002)
    assert np.diff(recall).max() < 0.1, "the line leaps over most pixels"
