"""One trial: a run that is scored at its checks, and goes on or is cut."""

import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.runs.history import History
from core.runs.run_folder import STATE_FILE, Run
from core.runs.status import LIVE
from core.search import study as studies
from core.search.board import TrialState
from core.search.clock import Clock, Stopped
from core.search.pace import OVERRUN, STARTING, Pace
from core.search.study import CHECKS, DICE, MESSAGE, SECONDS, SHARE
from core.search.trainings import Trainings, has_model
from core.system.formatting import duration

if TYPE_CHECKING:
    from optuna import Study, Trial


@dataclass(slots=True)
class Follower:
    """Follows the trials of a search, one at a time. `names` are the photos that they are scored on; `share`
    and `seconds` are those of the trial that runs, `number`."""

    study: "Study"
    clock: Clock
    pace: Pace
    trainings: Trainings
    names: Sequence[str]
    cuts: bool
    number: int = -1
    share: float = 0.0
    seconds: float = 0.0
    _due: list[int] = field(default_factory=list)

    def follow(self, trial: "Trial", run: Run) -> None:
        """Watch the trial until it ends or is cut, and report the result to the study. Raises Stopped."""
        self._begin(trial)
        before, history, resumed = self.seconds - self.clock.spent, History(run), False
        while True:
            status = run.status()
            try:
                self.clock.wait(run, counts=status.state != "queued")
            except Stopped:
                self._note(trial)
                raise
            self.seconds = before + self.clock.spent
            is_saved = max(history.refresh().previews, default=0) > 0  # previews follow the model
            self.share = history.fraction_done
            if status.state == "died" and run.can_resume and not resumed:
                self.trainings.go_on(run)
                resumed = True
            elif status.state not in LIVE:
                return self._ended(trial, run)
            elif self._due and is_saved and self.share >= self._due[0] / CHECKS[-1]:
                self._score(trial, run, self._due.pop(0))
                if self.cuts and trial.should_prune():
                    self.trainings.backend.stop(run)
                    return self._end(trial, TrialState.CUT, "others were better at this point", run)
            elif self._is_late() and (is_saved or self.seconds > 5 * self._limit):
                return self._late(trial, run)

    def fail(self, trial: "Trial", message: str) -> None:
        """Of a trial that could not train."""
        self._end(trial, TrialState.FAILED, message)

    @property
    def _limit(self) -> float:
        return self.pace.trial * OVERRUN + STARTING if self.pace.trial else math.inf

    def _is_late(self) -> bool:
        return self.seconds > self._limit or self.clock.spent > self.pace.trials

    def _begin(self, trial: "Trial") -> None:
        self.number, self.share = trial.number, 0.0
        self.seconds = float(trial.user_attrs.get(SECONDS, 0.0))
        reported = self.study.get_trials(deepcopy=False)[trial.number].intermediate_values
        self._due = [step for step in CHECKS[:-1] if step not in reported]

    def _ended(self, trial: "Trial", run: Run) -> None:
        """The run has ended by itself, or somebody has stopped it."""
        status = run.status()
        if status.state == "finished":
            self._score(trial, run, CHECKS[-1])
            self._end(trial, TrialState.COMPLETE, "", run)
        elif status.state == "stopped":
            self._end(trial, TrialState.CUT, "stopped by hand", run)
        else:
            self._end(trial, TrialState.FAILED, status.message, run)

    def _late(self, trial: "Trial", run: Run) -> None:
        """Its time is over, or that of all trials. It counts as it is, unless the latter has cut it short and
        others were trained to their end."""
        self.trainings.backend.stop(run)
        if not has_model(run):
            return self._end(trial, TrialState.FAILED, f"no epoch within {duration(self.seconds)}", run)
        self._score(trial, run, CHECKS[-1])
        if self.seconds > self._limit:
            return self._end(trial, TrialState.COMPLETE, f"stopped after {duration(self.seconds)}", run)
        others = studies.best_of(studies.rows(self.study)) is not None
        state = TrialState.CUT if others else TrialState.COMPLETE
        return self._end(trial, state, "the time for trials was over", run)

    def _score(self, trial: "Trial", run: Run, step: int) -> None:
        dice = self.trainings.backend.score(run, self.names)
        trial.report(dice, step)
        trial.set_user_attr(DICE, dice)
        self._note(trial)

    def _end(self, trial: "Trial", state: TrialState, message: str, run: Run | None = None) -> None:
        """Tell the study, and delete what only a resumed run needs; of a trial that was cut, its models too:
        its curves and settings stay."""
        import optuna

        trial.set_user_attr(MESSAGE, message)
        self._note(trial)
        match state:
            case TrialState.COMPLETE:
                self.study.tell(trial, studies.rows(self.study)[trial.number].dice)
            case TrialState.CUT:
                self.study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            case _:
                self.study.tell(trial, state=optuna.trial.TrialState.FAIL)
        self.number = -1
        if run is not None and state is not TrialState.FAILED:
            (run.folder / STATE_FILE).unlink(missing_ok=True)
            for model in ("last",) if state is TrialState.COMPLETE else ("last", "best"):
                shutil.rmtree(run.folder / model, ignore_errors=True)
        self.clock.tick()

    def _note(self, trial: "Trial") -> None:
        trial.set_user_attr(SHARE, self.share)
        trial.set_user_attr(SECONDS, self.seconds)
