"""Charts of a training."""

from core.runs import plots
from core.runs.events import EpochEnd, Step


def test_charts_hold_every_epoch_and_at_most_so_many_steps() -> None:
    steps = [Step(1, i, 1 / i, 0.5, 0.4, 0.9, 1e-3, 9.0, 1.0, 1.0) for i in range(1, 5001)]
    epochs = [EpochEnd(e, 0.3, 0.2, 0.8, 0.7, 0.6, 0.7, 0.9, 0.8, 0.8, 9.0, True) for e in range(4)]
    for draw in (plots.loss_curve, plots.overlap_curve, plots.accuracy_curve):
        chart = draw(steps, epochs, 1000, 5)
        assert len(chart.data[0].x) <= plots.MAX_POINTS * 1.2
        assert list(chart.data[1].x) == [0, 1, 2, 3]
