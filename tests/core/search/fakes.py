"""A search whose trainings take no time: each is a finished run with curves that follow from its settings."""

import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from core.config import TrainConfig
from core.errors import UserError
from core.policy.permissions import OWNER, acting_as
from core.runs import run_folder
from core.runs.events import EpochEnd, Note, Preview, Started, Step
from core.runs.run_folder import Run
from core.search import jobs, search_folder
from core.search.board import Verdict
from core.search.conductor import Conductor
from core.search.search_folder import Plan, Search
from core.search.trainings import Backend
from core.training.worker import Stop

Score = Callable[[TrainConfig], float]


def likes_small_rates(config: TrainConfig) -> float:
    """Highest at a rate of 3e-4, and a little higher with Lovász."""
    return 0.8 - 0.1 * abs(math.log10(config.learning_rate / 3e-4)) + 0.05 * (config.loss == "lovasz")


def epoch_end(epoch: int, dice: float) -> EpochEnd:
    return EpochEnd(epoch, 0.1, 0.1, dice, dice, dice, dice, dice, dice, dice, 1.0, True, iou_mean=dice)


class Fake:
    """The backend. `state` is that of a run once it has started: a "running" one is at its first check.
    `slots` may run at once."""

    def __init__(self, score: Score = likes_small_rates, state: str = "finished", slots: int = 1) -> None:
        self.score, self.state, self.slots = score, state, slots
        self.started: list[TrainConfig] = []
        self.resumed: list[str] = []
        self.judged: list[tuple[str, str]] = []

    def start(self, config: TrainConfig) -> Run:
        self.started.append(config)
        run = run_folder.create(config)
        (run.best).mkdir()
        (run.best / "config.json").write_text("{}")
        run.append(Started(10, 2, 1, 6, "cpu", "32-true", "none", 1))
        run.append(Step(1, 1, 0.1, 0.5, 0.5, 0.5, 1e-3, 1.0, 1.0, 5.0))
        run.append(epoch_end(1, 0.5))
        run.append(Preview(1, []))
        run.set_status(self.state, process=os.getpid())
        return run

    def resume(self, run: Run) -> None:
        self.resumed.append(run.config.name)
        run.set_status("finished")

    def stop(self, run: Run) -> None:
        run.set_status("stopped")

    def score_run(self, run: Run, names: Sequence[str]) -> float:
        return self.score(run.config)

    def judge(self, winner: Run, first: Run) -> Verdict:
        self.judged.append((winner.config.name, first.config.name))
        return Verdict(winner.id, first.id, 20, 0.9, (0.8, 0.95), 0.1, (0.05, 0.15), "The winner is better.")

    def backend(self) -> Backend:
        return Backend(self.start, self.resume, self.stop, self.score_run, self.judge, lambda: self.slots)


def prepared(data: Path, plan: Plan, **settings: Any) -> Search:
    with acting_as(OWNER):
        return jobs.prepare(TrainConfig(str(data), **{"encoder_weights": "none", **settings}), plan)


def conduct(search: Search, fake: Fake, stopping: Stop | None = None) -> tuple[str, list[str]]:
    """Carry it out here: its final state, and what it said."""
    said: list[str] = []

    def say(event: object) -> None:
        if isinstance(event, Note):
            said.append(event.text)

    with acting_as(OWNER):
        search.run.set_status("running", process=os.getpid())
        try:
            state = Conductor(search, stopping or Stop(), say, fake.backend()).carry_out()
        except UserError as error:
            search.run.set_status("failed", str(error))
            raise
    search.run.set_status(state)
    return state, said


def found_again(search: Search) -> Search:
    again = search_folder.find(search.id)
    assert again is not None
    return again
