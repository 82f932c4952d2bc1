"""Where the trainings of a search run, and how each is found again after an interruption."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.config import TrainConfig
from core.policy.ownership import sign_as
from core.runs import jobs, run_folder
from core.runs.run_folder import Run
from core.runs.status import LIVE
from core.search.board import Verdict
from core.search.clock import Clock
from core.search.scoring import judge, validation_dice
from core.search.search_folder import Search


@dataclass(frozen=True, slots=True)
class Backend:
    """By default, trainings take turns in processes of this machine, and are scored in this one."""

    start: Callable[[TrainConfig], Run] = jobs.start
    resume: Callable[[Run], None] = jobs.resume
    stop: Callable[[Run], None] = jobs.stop
    score: Callable[[Run, Sequence[str]], float] = validation_dice
    judge: Callable[[Run, Run], Verdict] = judge


@dataclass(slots=True)
class Trainings:
    """The runs of one search; `current` is the one that trains."""

    search: Search
    clock: Clock
    backend: Backend
    current: Run | None = None

    def begin(self, config: TrainConfig) -> Run:
        """A new run, which belongs to whoever owns the search."""
        self._wait_for_turn()
        self.current = run = self.backend.start(config)
        sign_as(run.folder, self.search.folder)
        return run

    def go_on(self, run: Run) -> None:
        self._wait_for_turn()
        self.backend.resume(run)

    def ask_to_stop(self) -> None:
        """Ask the current training to stop, without waiting: the search may be in the middle of scoring
        when it is stopped itself."""
        if self.current is not None and self.current.status().state in LIVE:
            self.current.stop_file.touch()

    def continued(self, known: str, name: str) -> Run | None:
        """The run that was begun under this identifier or name, training on where it was; None where there is
        none, or nothing of it was saved."""
        run = run_folder.find(known) if known else self._orphan(name)
        if run is None:
            return None
        state = run.status().state
        if state in (*LIVE, "finished", "failed") or has_model(run):
            if run.can_resume and state != "failed":
                self.go_on(run)
            self.current = run
            return run
        shutil.rmtree(run.folder, ignore_errors=True)
        return None

    def _orphan(self, name: str) -> Run | None:
        """A run that was started just before the search was killed, and not noted in the study yet."""
        since = [run for run in run_folder.list_runs() if run.id > self.search.id]
        return next((run for run in since if run.config.name == name), None)

    def _wait_for_turn(self) -> None:
        """Until the policy allows another training: people share the server."""
        while not jobs.has_turn():
            self.clock.wait(None, counts=False)


def has_model(run: Run) -> bool:
    """Whether an epoch was finished, so that there is a model to score."""
    return (run.best / "config.json").is_file()
