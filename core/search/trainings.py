"""Where the trainings of a search run, and how each is found again after an interruption."""

import contextvars
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

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
    """By default, trainings take turns in processes of this machine, and are scored in this one. `slots`: how
    many may run at once."""

    start: Callable[[TrainConfig], Run] = jobs.start
    resume: Callable[[Run], None] = jobs.resume
    stop: Callable[[Run], None] = jobs.stop
    score: Callable[[Run, Sequence[str]], float] = validation_dice
    judge: Callable[[Run, Run], Verdict] = judge
    slots: Callable[[], int] = lambda: 1


@dataclass(slots=True)
class Trainings:
    """The runs of one search; `begun` are those of this session."""

    search: Search
    clock: Clock
    backend: Backend
    begun: list[Run] = field(default_factory=list)
    _pool: ThreadPoolExecutor | None = None

    def begin(self, config: TrainConfig) -> Run:
        """A new run, owned by the owner of the search."""
        self._wait_for_turn()
        run = self.backend.start(config)
        self.begun.append(run)
        sign_as(run.folder, self.search.folder)
        return run

    def go_on(self, run: Run) -> None:
        self._wait_for_turn()
        self.backend.resume(run)

    def ask_to_stop(self) -> None:
        """Ask the trainings to stop, without waiting: the search may be in the middle of scoring when it is
        stopped itself."""
        for run in tuple(self.begun):
            if run.status().state in LIVE:
                run.stop_file.touch()

    def has_room(self, running: int) -> bool:
        """Whether another training may begin beside so many. The first may always: it waits for its turn."""
        return not running or (running < self.backend.slots() and jobs.has_turn())

    def score(self, run: Run, names: Sequence[str]) -> "Future[float]":
        """The score of a run. Beside other trainings it is found in a thread, so that they are looked after
        meanwhile."""
        if self.backend.slots() > 1:
            self._pool = self._pool or ThreadPoolExecutor(thread_name_prefix="score")
            context = contextvars.copy_context()  # on whose behalf
            return self._pool.submit(context.run, self.backend.score, run, names)
        found: Future[float] = Future()
        found.set_result(self.backend.score(run, names))
        return found

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
            self.begun.append(run)
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
            self.clock.wait((), counts=False)


def has_model(run: Run) -> bool:
    """Whether an epoch was finished, so that there is a model to score."""
    return (run.best / "config.json").is_file()
