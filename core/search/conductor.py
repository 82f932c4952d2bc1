"""The process of a search: the trials, as many at once as there is room for, the final trainings, and the
test.

Everything is kept in the study as it happens, so that a search which was stopped or killed continues where it
was: the run of a trial is resumed after its last whole epoch.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.config import TrainConfig
from core.data.class_ids import content
from core.data.dataset import DataFolder, open_data
from core.errors import UserError
from core.models import encoder_table, pretrained
from core.models.encoder_table import HERE, KEPT
from core.runs.events import Note
from core.runs.run_folder import Run
from core.runs.status import LIVE
from core.search import study as studies
from core.search.board import BOARD_FILE, Board, Phase, Row, TrialState, to_dict
from core.search.clock import Clock, Stopped
from core.search.pace import OVERRUN, STARTING, Pace, fitted, most_scored, pace
from core.search.scoring import scored_names
from core.search.search_folder import Search
from core.search.space import ENCODERS, PATCHES, SIZE, Space, around, of_grid, values_of, with_values
from core.search.study import CHECKS, RUN
from core.search.trainings import Backend, Trainings, has_model
from core.search.trial import Follower, Rules, tell
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
        self.photo = content(self.data).photo
        space = self._space()
        self.study = studies.open_study(
            search, values_of(self.start, [d.name for d in space]), space, backend.slots()
        )
        self.space = studies.space_of(self.study)
        self.phase, self.message, self.verdict = Phase.TRIALS, "", search.board.verdict
        combinations = len(studies.rows(self.study)) if self.plan.grid else 0
        self.pace: Pace = pace(self.plan.minutes, combinations)
        self.clock = Clock(stopping, float(self.study.user_attrs.get(SPENT, 0.0)), self._show)
        self.trainings = Trainings(search, self.clock, backend)
        names = scored_names(self.data, self.plan.seed, self._most_scored())
        self.rules = Rules(self.study, self.clock, self.pace, self.trainings, names, cuts=not self.plan.grid)
        self.followers: list[Follower] = []

    def carry_out(self) -> str:
        """Returns "finished" or "stopped". Raises UserError when the search cannot continue."""
        try:
            self._carry_out_trials()
            if not self.plan.grid:
                self._finish()
            self.phase, self.message = Phase.DONE, ""
        except Stopped:
            return "stopped"
        except UserError:
            for follower in self.followers:
                self.trainings.backend.stop(follower.run)
            raise
        finally:
            self._show()
        return "finished"

    def _carry_out_trials(self) -> None:
        """First those that were running when the search ended."""
        before = studies.unfinished(self.study)
        while True:
            while self.trainings.has_room(len(self.followers)) and (trial := self._next(before)):
                self._begin(trial)
            if not self.followers:
                return
            self._look()

    def _next(self, before: "Iterator[Trial]") -> "Trial | None":
        trial = next(before, None)
        return trial or (self.study.ask() if self._may_try_another() else None)

    def _space(self) -> Space:
        if self.plan.grid:
            return of_grid(self.plan.grid)
        return around(self.start, encoders_with_weights(self.start), self.plan.fixed, self.photo)

    def _most_scored(self) -> int:
        sizes = [
            str(size) for dimension in self.space if dimension.name == SIZE for size in dimension.choices
        ]
        in_windows = self.start.sampling == "patches" or any(size.endswith(PATCHES) for size in sizes)
        return most_scored(self.start, self.pace.trial, self.photo, in_windows)

    def _may_try_another(self) -> bool:
        if self.plan.grid:
            return studies.waiting(self.study) > 0
        tried = len(studies.rows(self.study)) - studies.waiting(self.study)
        if self.plan.trials and tried >= self.plan.trials:
            return False
        return tried == 0 or self.pace.trials - self.clock.spent > self.pace.trial / CHECKS[-1]

    def _begin(self, trial: "Trial") -> None:
        """One trial, from where it was."""
        values = {d.name: d.suggest(trial) for d in self.space}
        self._say_what_runs(trial)
        try:
            self.followers.append(Follower(self.rules, trial, self._run_of(trial, values)))
        except UserError as error:  # these settings do not go together
            tell(self.study, trial, TrialState.FAILED, str(error))
            self._after(trial)

    def _look(self) -> None:
        """Wait a moment, and see to every trial. Raises Stopped."""
        counts = [follower.refresh() for follower in self.followers]
        try:
            self.clock.wait([follower.run for follower in self.followers], any(counts))
        except Stopped:
            for follower in self.followers:
                follower.note()
            raise
        for follower in tuple(self.followers):
            try:
                has_ended = follower.look()
            except UserError as error:  # its model cannot be scored
                has_ended = follower.fail(str(error))
            if has_ended:
                self.followers.remove(follower)
                self.clock.tick()
                self._after(follower.trial)

    def _after(self, trial: "Trial") -> None:
        """Of a trial that has ended. Raises UserError where another would end as it did."""
        found = studies.rows(self.study)
        self.say(Note(in_words(found[trial.number])))
        self._say_what_runs()
        if _must_end(found, bool(self.plan.grid)):
            raise UserError(f"The search cannot continue: {found[trial.number].message}")

    def _say_what_runs(self, *begun: "Trial") -> None:
        numbers = [str(trial.number + 1) for trial in (*(f.trial for f in self.followers), *begun)]
        if numbers:
            self.message = f"{'Trials' if len(numbers) > 1 else 'Trial'} {', '.join(numbers)}"

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
        training, validation = len(self.data.split.train), len(self.data.split.validation)
        return fitted(config, seconds, training, validation, self.photo)

    def _finish(self) -> None:
        """Train the winner to its end, and the first settings as long; judge both on the test set."""
        best = studies.best_of(studies.rows(self.study))
        if best is None:
            raise UserError("No trial was trained to its end: give the search more minutes.")
        self.phase = Phase.FINAL
        wanted = {WINNER: with_values(self.start, best.values)}
        if best.number != 0:
            wanted[FIRST] = self.start
        runs = self._final_runs(wanted)
        winner, first = runs[WINNER], runs.get(FIRST, runs[WINNER])
        self.phase, self.message = Phase.TEST, "Scoring the test photos"
        self._show()
        if self.verdict is None:
            self.verdict = self.trainings.backend.judge(winner, first)
        self.say(Note(self.verdict.sentence))

    def _final_runs(self, wanted: dict[str, TrainConfig]) -> dict[str, Run]:
        """The final trainings once they have ended: at the same time where there is room, else one after the
        other, each for its part of the time."""
        if self.trainings.backend.slots() >= len(wanted):
            seconds = self._final_seconds(1)
            runs = {which: self._begin_final(which, config, seconds) for which, config in wanted.items()}
            self._wait_for(runs, seconds)
            return runs
        seconds, runs = self._final_seconds(len(wanted)), {}
        for which, config in wanted.items():
            runs[which] = self._begin_final(which, config, seconds)
            self._wait_for({which: runs[which]}, seconds)
        return runs

    def _final_seconds(self, after_another: int) -> float:
        """Of each final training, so many after another: what is left of the time, decided once."""
        kept = float(self.study.user_attrs.get(FINAL_SECONDS, 0.0))
        if not kept:
            left = (self.plan.minutes * 60 - self.clock.spent) / after_another
            kept = max(self.pace.final / 2, left)
            self.study.set_user_attr(FINAL_SECONDS, kept)
        return kept

    def _begin_final(self, which: str, config: TrainConfig, seconds: float) -> Run:
        """The run of a final training."""
        name = f"{self.search.run.name}, {which}"
        if run := self.trainings.continued(self.study.user_attrs.get(which, ""), name):
            return run
        run = self.trainings.begin(self._fitted(replace(config, name=name), seconds))
        self.study.set_user_attr(which, run.id)
        self.say(Note(f"Training the {which} for {duration(seconds)}."))
        return run

    def _wait_for(self, runs: dict[str, Run], seconds: float) -> None:
        """Until these final trainings have ended."""
        self.message = f"Training the {' and the '.join(runs)}"
        began = self.clock.spent
        while live := [(run, state) for run in runs.values() if (state := run.status().state) in LIVE]:
            running = [run for run, _ in live]
            self.clock.wait(running, counts=any(state != "queued" for _, state in live))
            if self.clock.spent - began > seconds * OVERRUN + STARTING:
                for run in filter(has_model, running):
                    self.trainings.backend.stop(run)
        for which, run in runs.items():
            if not has_model(run):
                raise UserError(f"The training of the {which} failed: {run.status().message}")

    def _show(self) -> None:
        """Keep the time, and write the board."""
        self.study.set_user_attr(SPENT, self.clock.spent)
        now = {follower.trial.number: follower for follower in self.followers}
        found = tuple(
            replace(row, share=now[row.number].share, seconds=now[row.number].seconds)
            if row.number in now else row
            for row in studies.rows(self.study)
        )  # fmt: skip
        board = Board(
            self.phase, self.clock.spent, self.plan.minutes * 60, found, studies.importance(self.study),
            self.verdict, self.message,
        )  # fmt: skip
        write_json(self.search.folder / BOARD_FILE, to_dict(board))


def encoders_with_weights(start: TrainConfig) -> list[str]:
    """The encoders to search whose weights are available here; all of them where none are wanted."""
    if start.encoder_weights == "none":
        return list(ENCODERS)
    online = pretrained.hub_answers()
    return [e for e in ENCODERS if online or encoder_table.weights_state(e) in (HERE, KEPT)]


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
