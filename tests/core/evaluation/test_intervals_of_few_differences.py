"""Intervals where most images score alike."""

import numpy as np
import pytest

from core.evaluation.statistics import paired


@pytest.mark.parametrize("differences", [[0.0] * 8 + [-0.1, 0.1], [0.0] * 17 + [-0.01, 0.01, 0.03, -0.03]])
def test_exchanging_two_models_mirrors_the_interval(differences: list[float]) -> None:
    first = np.full(len(differences), 0.5)
    second = first + differences
    forth, back = paired(first, second).difference, paired(second, first).difference
    assert (back.low, back.high) == pytest.approx((-forth.high, -forth.low), abs=1e-12)
