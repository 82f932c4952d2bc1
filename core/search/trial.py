"""One trial: a run that is scored at its checks, and continues or is cut."""

import math
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.runs.history import History
from core.runs.run_folder import STATE_FILE, Run
from core.runs.status import LIVE
from core.search import study as studies
from core.search.board import TrialState
from core.search.clock import Clock
from core.search.pace import OVERRUN, STARTING, Pace
from core.search.study import CHECKS, DICE, MESSAGE, SECONDS, SHARE
from core.search.trainings import Trainings, has_model
from core.system.formatting import duration

if TYPE_CHECKING:
    from optuna import Study, Trial


@dataclass(frozen=True, slots=True)
class Rules:
    """What the trials of a search have in common. `names` are the photos that they are scored on; `cuts` says
    whether the worse ones are stopped early."""

    study: "Study"
    clock: Clock
    pace: Pace
    trainings: Trainings
    names: Sequence[str]
    cuts: bool


class Follower:
    """Follows one trial. `share` of its full length is trained, in `seconds`."""

    def __init__(self, rules: Rules, trial: "Trial", run: Run) -> None:
        self.rules, self.trial, self.run = rules, trial, run
        self.share, self.seconds = 0.0, float(trial.user_attrs.get(SECONDS, 0.0))
        self.status = run.status()
        self._seen = rules.clock.spent
        reported = rules.study.get_trials(deepcopy=False)[trial.number].intermediate_values
        self._due = [step for step in CHECKS[:-1] if step not in reported]
        self._steps = self._follow()

    def refresh(self) -> bool:
        """Read the run's state, before a moment is waited. Returns whether that moment counts."""
        self.status = self.run.status()
        return self.status.state != "queued"

    def look(self) -> bool:
        """Do what is due after the moment: report to the study, resume, cut. Returns whether the trial has
        ended. Raises UserError when its model cannot be scored."""
        return next(self._steps, "ended") == "ended"

    def fail(self, message: str) -> bool:
        """End it as failed."""
        self._end(TrialState.FAILED, message)
        return True

    def note(self) -> None:
        """Keep how far it is in the study."""
        self.trial.set_user_attr(SHARE, self.share)
        self.trial.set_user_attr(SECONDS, self.seconds)

    def _follow(self) -> Iterator[None]:
        """Each step is one look."""
        rules, run, history, resumed = self.rules, self.run, History(self.run), False
        while True:
            self._count()
            is_saved = max(history.refresh().previews, default=0) > 0  # previews follow the model
            self.share = history.fraction_done
            if self.status.state == "died" and run.can_resume and not resumed:
                rules.trainings.go_on(run)
                resumed = True
            elif self.status.state not in LIVE:
                return (yield from self._ended())
            elif self._due and is_saved and self.share >= self._due[0] / CHECKS[-1]:
                yield from self._score(self._due.pop(0))
                if rules.cuts and self.trial.should_prune():
                    rules.trainings.backend.stop(run)
                    return self._end(TrialState.CUT, "others were better at this point")
            elif self._is_late() and (is_saved or self.seconds > 5 * self._limit):
                return (yield from self._late())
            yield

    def _count(self) -> None:
        """The time since the last look, unless the run stood in line."""
        spent = self.rules.clock.spent
        if self.status.state != "queued":
            self.seconds += spent - self._seen
        self._seen = spent

    @property
    def _limit(self) -> float:
        pace = self.rules.pace
        return pace.trial * OVERRUN + STARTING if pace.trial else math.inf

    def _is_late(self) -> bool:
        return self.seconds > self._limit or self.rules.clock.spent > self.rules.pace.trials

    def _ended(self) -> Iterator[None]:
        """The run has ended by itself, or somebody has stopped it."""
        match self.status.state:
            case "finished":
                yield from self._score(CHECKS[-1])
                self._end(TrialState.COMPLETE, "")
            case "stopped":
                self._end(TrialState.CUT, "stopped by hand")
            case _:
                self._end(TrialState.FAILED, self.status.message)

    def _late(self) -> Iterator[None]:
        """Its time is over, or that of all trials. It counts as it is, unless the latter has cut it short and
        others were trained to their end."""
        self.rules.trainings.backend.stop(self.run)
        if not has_model(self.run):
            return self._end(TrialState.FAILED, f"no epoch within {duration(self.seconds)}")
        yield from self._score(CHECKS[-1])
        if self.seconds > self._limit:
            return self._end(TrialState.COMPLETE, f"stopped after {duration(self.seconds)}")
        others = studies.best_of(studies.rows(self.rules.study)) is not None
        state = TrialState.CUT if others else TrialState.COMPLETE
        return self._end(state, "the time for trials was over")

    def _score(self, step: int) -> Iterator[None]:
        scored = self.rules.trainings.score(self.run, self.rules.names)
        while not scored.done():
            yield
            self._count()
        dice = scored.result()
        self.trial.report(dice, step)
        self.trial.set_user_attr(DICE, dice)
        self.note()

    def _end(self, state: TrialState, message: str) -> None:
        """Tell the study, and delete what only a resumed run needs; of a trial that was cut, its models too:
        its curves and settings stay."""
        self.note()
        tell(self.rules.study, self.trial, state, message)
        if state is not TrialState.FAILED:
            (self.run.folder / STATE_FILE).unlink(missing_ok=True)
            for model in ("last",) if state is TrialState.COMPLETE else ("last", "best"):
                shutil.rmtree(self.run.folder / model, ignore_errors=True)


def tell(study: "Study", trial: "Trial", state: TrialState, message: str) -> None:
    """Write the end of a trial into the study."""
    import optuna

    trial.set_user_attr(MESSAGE, message)
    match state:
        case TrialState.COMPLETE:
            study.tell(trial, studies.rows(study)[trial.number].dice)
        case TrialState.CUT:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        case _:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
