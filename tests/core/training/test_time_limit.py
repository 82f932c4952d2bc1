"""A training with a time limit ends in time, its schedule with it, and it resumes with what is left."""

import itertools
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from core.config import TrainConfig
from core.models.card import is_model, read_card
from core.runs.events import EpochEnd, Finished, Started, Step
from core.runs.history import History
from core.runs.run_folder import create
from core.training import loop, progress
from core.training.optimizers import make_schedule
from core.training.progress import Progress
from tests.builders import of, slim, trained

SECONDS, LOOK = 1.6, 0.02


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that goes on at each look, so that no test depends on what else the machine does."""
    ticks = itertools.count()
    fake = SimpleNamespace(monotonic=lambda: LOOK * next(ticks))
    monkeypatch.setattr(progress, "time", fake)
    monkeypatch.setattr(loop, "time", fake)
    return fake


@pytest.fixture
def config(small_data: Path) -> TrainConfig:
    return slim(small_data, minutes=SECONDS / 60, epochs=10_000)


def test_a_training_ends_within_its_time_and_the_learning_rate_has_come_down(
    config: TrainConfig, tmp_path: Path, clock: SimpleNamespace
) -> None:
    begun = clock.monotonic()
    events = trained(config, tmp_path / "run")
    assert 0.9 * SECONDS < clock.monotonic() - begun < 1.1 * SECONDS
    assert of(Finished, events)[0].reason == "done"
    steps, epochs = of(Step, events), of(EpochEnd, events)
    assert steps[-1].learning_rate < 0.3 * max(step.learning_rate for step in steps)
    assert is_model(tmp_path / "run" / "best")
    assert epochs[-1].epoch >= len(epochs) - 1 >= 1
    assert read_card(tmp_path / "run" / "last").settings["minutes"] == config.minutes


def test_a_training_that_loads_longer_than_its_time_still_makes_a_model(
    config: TrainConfig, tmp_path: Path, clock: SimpleNamespace
) -> None:
    (tmp_path / "run").mkdir()
    events = list(loop.fit(config, tmp_path / "run", since=clock.monotonic() - 10 * SECONDS))
    assert [epoch.epoch for epoch in of(EpochEnd, events)] == [0, 1]
    assert is_model(tmp_path / "run" / "best")


def test_a_resumed_training_has_the_time_that_was_left(
    config: TrainConfig, tmp_path: Path, clock: SimpleNamespace
) -> None:
    folder = tmp_path / "run"
    first = trained(config, folder, stop_after=10)
    assert of(Finished, first)[0].reason == "stopped"
    second = trained(config, folder)
    done = of(Finished, second)[0]
    assert done.reason == "done" and 0.8 * SECONDS < done.seconds < 1.1 * SECONDS
    steps = of(Step, second)
    assert steps[0].seconds > 0 and steps[-1].learning_rate < 0.3 * config.learning_rate


def test_the_page_follows_the_time_and_not_the_epochs_that_were_set(
    config: TrainConfig, tmp_path: Path
) -> None:
    run = create(config, tmp_path / "run")
    for event in (
        Started(8, 2, 2, 10_000, "cpu", "fp32", "random", 1, is_timed=True),
        Step(3, 6, 0.5, 0.5, 0.5, 0.5, 1e-3, 20.0, seconds=10.0, seconds_left=30.0),
    ):
        run.append(event)
    history = History(run).refresh()
    assert history.fraction_done == 0.25 and history.expected_epochs == 12


def test_the_schedule_follows_the_clock_where_there_is_one(config: TrainConfig) -> None:
    progress = Progress(100, time_limit=10.0)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=config.learning_rate)
    schedule = make_schedule(config, optimizer, 100, lambda: progress.time_used)
    rates = []
    for progress.time_used in (0.25, 0.625, 1.0):
        optimizer.step()
        schedule.step()
        rates.append(schedule.get_last_lr()[0] / config.learning_rate)
    assert rates == pytest.approx([1.0, 0.5, 0.001], abs=0.01)


def test_short_epochs_are_finished_together_and_long_ones_each() -> None:
    progress = Progress(100, time_limit=240.0, finishing=1.0, last_finished=0.0, earlier_seconds=9.0)
    assert not progress.is_due  # a twenty-fourth of the time has not passed
    progress.earlier_seconds = 11.0
    assert progress.is_due
    progress.finishing = 4.0
    assert not progress.is_due
    assert Progress(100).is_due
