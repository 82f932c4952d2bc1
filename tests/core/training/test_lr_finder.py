"""The search for a learning rate."""

from pathlib import Path

import numpy as np
import pytest

from core.runs.events import RateFound, RatePoint
from core.training.lr_finder import steepest, sweep
from tests.builders import of, slim


def test_a_sweep_finds_a_rate_that_trains(small_data: Path) -> None:
    events = list(sweep(slim(small_data)))
    points, found = of(RatePoint, events), of(RateFound, events)[0].rate
    assert len(points) > 30 and points[0].rate < points[-1].rate
    assert points[0].rate <= found <= points[-1].rate


def test_the_steepest_point_is_found() -> None:
    points = [RatePoint(i, 60, 10 ** (-6 + i / 10), 0.0, 1 / (1 + np.exp((i - 30) / 3))) for i in range(60)]
    assert steepest(points) == pytest.approx(1e-3, rel=0.3)
