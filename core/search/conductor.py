"""The process of a search: trial after trial, the final trainings, and the test.

Everything is kept in the study as it happens, so that a search which was stopped or killed goes on where it
was: the run of a trial is resumed after its last whole epoch.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.config import TrainConfig
from core.data.class_ids import content
from core.data.dataset import DataFolder, open_data
from core.errors import UserError
from core.models import pretrained
from core.runs.events import Note
from core.runs.run_folder import Run
from core.runs.status import LIVE
from core.search import study as studies
from core.search.board import BOARD_FILE, Board, Phase, Row, TrialState, to_dict
from core.search.clock import Clock, Stopped
from core.search.pace import OVERRUN, STARTING, Pace, fitted, pace
from core.search.scoring import scored_names
from core.search.search_folder import Search
from core.search.space import ENCODERS, Space, around, of_grid, values_of, with_values
from core.search.study import CHECKS, RUN
from core.search.trainings import Backend, Trainings, has_model
from core.search.trial import Follower
from core.system.formatting import duration
from core.system.score_names import DICE_MEAN, score
from core.system.workspace import write_json
from core.training.worker import Report, Stop

if TYPE_CHECKING:
    from optuna import Trial

FAILURES = 4  # trials that fail one after the other end the search
SPENT, FINAL_SECONDS = "spent", "final_seconds"  # what the study keeps beside its trials
WINNER, FIRST = "winner", "first settings"


class Conductor:
    """Carries out one search, in its process and on behalf of the owner."""

    def __init__(self, search: Search, stopping: Stop, say: Report, backend: Backend) -> None:
        self.search, self.say = search, say
        self.start, self.plan = search.run.config, search.plan
        self.data: DataFolder = open_data(Path(self.start.data))
        space = self._space()
        self.study = studies.open_study(search, values_of(self.start, [d.name for d in space]), space)
        self.space = studies.space_of(self.study)
        self.phase, self.message, self.verdict = Phase.TRIALS, "", search.board.verdict
        combinations = len(studies.rows(self.study)) if self.plan.grid else 0
        self.pace: Pace = pace(self.plan.minutes, combinations)
        self.clock = Clock(stopping, float(self.study.user_attrs.get(SPENT, 0.0)), self._show)
        self.trainings = Trainings(search, self.clock, backend)
        names = scored_names(self.data, self.plan.seed)
        self.follower = Follower(
            self.study, self.clock, self.pace, self.trainings, names, cuts=not self.plan.grid
        )

    def carry_out(self) -> str:
        """Returns "finished" or "stopped". Raises UserError when the search cannot go on."""
        try:
            for trial in studies.unfinished(self.study):
                self._try(trial)
            while self._may_try_another():
                self._try(self.study.ask())
            if not self.plan.grid:
                self._finish()
            self.phase, self.message = Phase.DONE, ""
        except Stopped:
            return "stopped"
        finally:
            self._show()
        return "finished"

    def _space(self) -> Space:
        if self.plan.grid:
            return of_grid(self.plan.grid)
        photo = content(self.data).photo
        return around(self.start, encoders_with_weights(self.start), self.plan.fixed, photo)

    def _may_try_another(self) -> bool:
        if self.plan.grid:
            return studies.waiting(self.study) > 0
        tried = len(studies.rows(self.study)) - studies.waiting(self.study)
        if self.plan.trials and tried >= self.plan.trials:
            return False
        return tried == 0 or self.pace.trials - self.clock.spent > self.pace.trial / CHECKS[-1]

    def _try(self, trial: "Trial") -> None:
        """One trial, from where it was."""
        values = {d.name: d.suggest(trial) for d in self.space}
        self.message = f"Trial {trial.number + 1}"
        try:
            self.follower.follow(trial, self._run_of(trial, values))
        except UserError as error:  # these settings do not go together, or its model cannot be scored
            self.follower.fail(trial, str(error))
        found = studies.rows(self.study)
        self.say(Note(in_words(found[trial.number])))
        if _must_end(found, bool(self.plan.grid)):
            raise UserError(f"The search cannot go on: {found[trial.number].message}")

    def _run_of(self, trial: "Trial", values: dict[str, Any]) -> Run:
        """The run of this trial, training."""
        name = f"{self.search.run.name}, trial {trial.number + 1:02d}"
        if run := self.trainings.continued(trial.user_attrs.get(RUN, ""), name):
            return run
        config = replace(with_values(self.start, values), name=name)
        if self.pace.trial:
            config = self._fitted(config, self.pace.trial)
        run = self.trainings.begin(config)
        trial.set_user_attr(RUN, run.id)
        return run

    def _fitted(self, config: TrainConfig, seconds: float) -> TrainConfig:
        return fitted(config, seconds, len(self.data.split.train), len(self.data.split.validation))

    def _finish(self) -> None:
        """Train the winner to its end, and the first settings as long; judge both on the test set."""
        best = studies.best_of(studies.rows(self.study))
        if best is None:
            raise UserError("No trial was trained to its end: give the search more minutes.")
        self.phase = Phase.FINAL
        is_first = best.number == 0
        seconds = self._final_seconds(1 if is_first else 2)
        winner = self._final(WINNER, with_values(self.start, best.values), seconds)
        first = winner if is_first else self._final(FIRST, self.start, seconds)
        self.phase, self.message = Phase.TEST, "Scoring the test photos"
        self._show()
        if self.verdict is None:
            self.verdict = self.trainings.backend.judge(winner, first)
        self.say(Note(self.verdict.sentence))

    def _final_seconds(self, trainings: int) -> float:
        """Of each final training: what is left of the time, decided once."""
        kept = float(self.study.user_attrs.get(FINAL_SECONDS, 0.0))
        if not kept:
            kept = max(self.pace.final / 2, (self.plan.minutes * 60 - self.clock.spent) / trainings)
            self.study.set_user_attr(FINAL_SECONDS, kept)
        return kept

    def _final(self, which: str, config: TrainConfig, seconds: float) -> Run:
        """The run of a final training, once it has ended."""
        name = f"{self.search.run.name}, {which}"
        run = self.trainings.continued(self.study.user_attrs.get(which, ""), name)
        if run is None:
            run = self.trainings.begin(self._fitted(replace(config, name=name), seconds))
            self.study.set_user_attr(which, run.id)
            self.say(Note(f"Training the {which} for {duration(seconds)}."))
        self.message = f"Training the {which}"
        began = self.clock.spent
        while (status := run.status()).state in LIVE:
            self.clock.wait(run, counts=status.state != "queued")
            if self.clock.spent - began > seconds * OVERRUN + STARTING and has_model(run):
                self.trainings.backend.stop(run)
        if not has_model(run):
            raise UserError(f"The training of the {which} failed: {run.status().message}")
        return run

    def _show(self) -> None:
        """Keep the time, and write the board."""
        self.study.set_user_attr(SPENT, self.clock.spent)
        found = tuple(
            replace(row, share=self.follower.share, seconds=self.follower.seconds)
            if row.number == self.follower.number else row
            for row in studies.rows(self.study)
        )  # fmt: skip
        board = Board(
            self.phase, self.clock.spent, self.plan.minutes * 60, found, studies.importance(self.study),
            self.verdict, self.message,
        )  # fmt: skip
        write_json(self.search.folder / BOARD_FILE, to_dict(board))


def encoders_with_weights(start: TrainConfig) -> list[str]:
    """The encoders to search whose weights can be had here; all of them where none are wanted."""
    if start.encoder_weights == "none":
        return list(ENCODERS)
    online = pretrained.hub_answers()
    return [e for e in ENCODERS if online or pretrained.local_package(e) or pretrained.is_cached(e)]


def _must_end(found: tuple[Row, ...], is_sweep: bool) -> bool:
    """Whether the first trial of a search failed, many in a row, or all of a sweep: then the reason lies
    elsewhere than in the values."""
    states = [row.state for row in found]
    tried = [state for state in states if state is not TrialState.WAITING]
    if is_sweep:
        return set(states) == {TrialState.FAILED}
    return TrialState.FAILED in tried[:1] or tried[-FAILURES:] == [TrialState.FAILED] * FAILURES


def in_words(row: Row) -> str:
    """A trial in one line."""
    values = ", ".join(f"{v:.2g}" if isinstance(v, float) else str(v) for v in row.values.values())
    dice = f"{DICE_MEAN} {score(row.dice)}" if row.dice is not None else "no score"
    why = f" ({row.message})" if row.message else ""
    return f"Trial {row.number + 1}: {values}: {dice}, {row.state}{why}, {duration(row.seconds)}"
