"""The course of a search, with trainings that take no time."""

from pathlib import Path

import pytest

from core.config import TrainConfig
from core.data.dataset import open_data
from core.errors import UserError
from core.runs import run_folder
from core.search import clock, conductor, study
from core.search.board import Phase, TrialState
from core.search.search_folder import STUDY_FILE, Plan
from core.training.worker import Stop
from tests.core.search.fakes import Fake, conduct, found_again, likes_small_rates, prepared


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(clock, "STOP_SECONDS", 0.0)


def test_the_first_trial_has_the_settings_that_were_given(small_data: Path) -> None:
    fake = Fake()
    search = prepared(small_data, Plan(60, trials=3), loss="focal", learning_rate=2e-3, height=64, width=96)
    conduct(search, fake)
    first = fake.started[0]
    assert (first.loss, first.learning_rate, first.height, first.width) == ("focal", 2e-3, 64, 96)
    assert first.name == "Search 1, trial 01"


def test_a_search_finds_better_settings_and_judges_them_once(small_data: Path) -> None:
    fake = Fake()
    search = prepared(small_data, Plan(60, trials=12))
    state, said = conduct(search, fake)
    board = found_again(search).board
    best = board.best
    assert state == "finished" and board.phase is Phase.DONE and len(board.rows) == 12
    assert best and best.dice and best.dice > likes_small_rates(TrainConfig("x"))
    winner, first = fake.started[-2:]
    assert (winner.loss, winner.learning_rate) == (best.values["loss"], best.values["learning_rate"])
    assert (first.loss, first.learning_rate) == ("bce+dice", 1e-3)
    assert fake.judged == [("Search 1, winner", "Search 1, first settings")]
    assert board.verdict and board.verdict.difference == 0.1 and said[-1] == board.verdict.sentence
    assert not search.can_resume and sum(board.importance.values()) == pytest.approx(1)


def test_where_nothing_is_better_one_final_training_does(small_data: Path) -> None:
    fake = Fake(score=lambda config: 0.9 if config.learning_rate == 1e-3 else 0.5)
    conduct(prepared(small_data, Plan(60, trials=3)), fake)
    assert fake.judged == [("Search 1, winner", "Search 1, winner")] and len(fake.started) == 4


def test_two_of_three_trials_are_cut_at_their_first_check(small_data: Path) -> None:
    fake = Fake(state="running")
    search = prepared(small_data, Plan(60, trials=7))
    calls: list[str] = []

    def score(config: TrainConfig) -> float:
        calls.append(config.name)
        if len(calls) == 1:  # the first goes on to its end meanwhile
            run_folder.list_runs()[0].set_status("finished")
        return 0.9 - len(calls) / 100

    fake.score = score
    fake.judge = lambda winner, first: pytest.fail("not reached")  # type: ignore[method-assign]
    conductor_stops = Stop()
    fake_start = fake.start

    def start(config: TrainConfig) -> run_folder.Run:
        if config.name.endswith("winner"):
            conductor_stops.set()
        return fake_start(config)

    fake.start = start  # type: ignore[method-assign]
    state, _ = conduct(search, fake, conductor_stops)
    rows = search.board.rows
    assert state == "stopped" and [row.state for row in rows] == [TrialState.COMPLETE] + [TrialState.CUT] * 6
    cut = run_folder.find(rows[1].run)
    assert cut and not cut.best.exists() and cut.events_file.exists()  # its curves stay, its model does not
    complete = run_folder.find(rows[0].run)
    assert complete and complete.best.exists()


def test_a_sweep_trains_every_combination_as_it_is(small_data: Path) -> None:
    fake = Fake()
    grid = {"loss": ["bce", "dice"], "encoder": ["resnet18", "resnet34"]}
    search = prepared(small_data, Plan(0, grid=grid), epochs=7)
    conduct(search, fake)
    board = search.board
    assert {(c.loss, c.encoder, c.epochs) for c in fake.started} == {
        (loss, encoder, 7) for loss in grid["loss"] for encoder in grid["encoder"]
    }
    assert board.phase is Phase.DONE and board.verdict is None and len(board.rows) == 4
    assert not open_data(small_data).split.test  # nothing is judged, so nothing is held out


def test_a_search_that_was_stopped_goes_on_where_it_was(small_data: Path) -> None:
    fake, stopping = Fake(), Stop()
    search = prepared(small_data, Plan(60, trials=4))

    def score(config: TrainConfig) -> float:
        if config.name.endswith("02"):
            stopping.set()
        return likes_small_rates(config)

    fake.score = score
    assert conduct(search, fake, stopping)[0] == "stopped"
    assert search.can_resume and len(search.board.rows) == 3
    fake.score = likes_small_rates
    assert conduct(found_again(search), fake)[0] == "finished"
    names = [config.name for config in fake.started]
    assert len(set(names)) == len(names) and len(search.board.rows) == 4  # none was trained twice


def test_a_trial_that_was_killed_is_resumed_in_its_own_run(small_data: Path) -> None:
    fake, search = Fake(), prepared(small_data, Plan(60, trials=2))
    stopping = Stop()
    fake.state = "running"
    stopping.set()
    assert conduct(search, fake, stopping)[0] == "stopped"
    (run,) = run_folder.list_runs()
    run.set_status("running", process=2**22 - 7)  # killed
    (run.folder / run_folder.STATE_FILE).write_bytes(b"kept")
    fake.state = "finished"
    assert conduct(search, fake)[0] == "finished"
    assert fake.resumed == ["Search 1, trial 01"]
    assert [c.name for c in fake.started].count("Search 1, trial 01") == 1


def test_a_run_that_was_not_noted_before_the_search_was_killed_is_found(
    small_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, search = Fake(), prepared(small_data, Plan(60, trials=1))
    monkeypatch.setattr(conductor, "RUN", "elsewhere")
    stopping = Stop()
    stopping.set()
    conduct(search, fake, stopping)
    monkeypatch.setattr(conductor, "RUN", study.RUN)
    conduct(search, fake)
    assert [c.name for c in fake.started].count("Search 1, trial 01") == 1


def test_what_a_killed_process_left_of_a_line_and_its_lock_are_removed(small_data: Path) -> None:
    search = prepared(small_data, Plan(60, trials=2))
    stopping = Stop()
    stopping.set()
    conduct(search, Fake(state="running"), stopping)
    journal = search.folder / STUDY_FILE
    with open(journal, "a") as file:
        file.write('{"op_code": 8, "wor')
    journal.with_name(STUDY_FILE + ".lock").symlink_to(journal)
    run_folder.list_runs()[0].set_status("finished")
    assert conduct(search, Fake())[0] == "finished"
    assert len(search.board.rows) == 2


def test_settings_that_cannot_train_do_not_end_a_search_but_the_first_ones_do(small_data: Path) -> None:
    def score(config: TrainConfig) -> float:
        if config.name.endswith("02"):
            raise UserError("There is no such encoder.")
        return 0.5

    search = prepared(small_data, Plan(60, trials=3))
    assert conduct(search, Fake(score))[0] == "finished"
    assert search.board.rows[1].state is TrialState.FAILED
    assert search.board.rows[1].message == "There is no such encoder."

    def always(config: TrainConfig) -> float:
        raise UserError("No mask holds any foreground.")

    other = prepared(small_data, Plan(60, trials=3))
    with pytest.raises(UserError, match="cannot continue: No mask holds any foreground"):
        conduct(other, Fake(always))
    assert len(other.board.rows) == 1


def test_a_combination_of_a_sweep_that_cannot_train_does_not_end_it(small_data: Path) -> None:
    def score(config: TrainConfig) -> float:
        if config.loss == "bce":
            raise UserError("This combination cannot train.")
        return 0.5

    search = prepared(small_data, Plan(0, grid={"loss": ["bce", "dice"]}))
    assert conduct(search, Fake(score))[0] == "finished"
    assert [row.state for row in search.board.rows] == [TrialState.FAILED, TrialState.COMPLETE]


class Together(Fake):
    """Trainings that end once there are as many as there is room for, or as there will be."""

    def __init__(self, slots: int, expected: int) -> None:
        super().__init__(state="running", slots=slots)
        self.expected, self.seen = expected, [0]

    def start(self, config: TrainConfig) -> run_folder.Run:
        run = super().start(config)
        live = [r for r in run_folder.list_runs() if r.status().state == "running"]
        self.seen.append(len(live))
        if len(live) == self.slots or len(self.started) == self.expected:
            for each in live:
                each.set_status("finished")
        return run


def test_trials_run_at_once_where_there_is_room_for_several(small_data: Path) -> None:
    fake = Together(slots=3, expected=5)
    grid = {"loss": ["bce", "dice", "focal", "tversky", "lovasz"]}
    search = prepared(small_data, Plan(0, grid=grid), epochs=2)
    state, said = conduct(search, fake)
    assert state == "finished" and fake.seen == [0, 1, 2, 3, 1, 2] and len(said) == 5
    assert [row.state for row in search.board.rows] == [TrialState.COMPLETE] * 5
    assert {row.values["loss"] for row in search.board.rows} == set(grid["loss"])


def test_the_final_trainings_run_at_once_where_there_is_room(small_data: Path) -> None:
    fake = Together(slots=2, expected=6)
    search = prepared(small_data, Plan(60, trials=4))
    assert conduct(search, fake)[0] == "finished"
    winner, first = fake.started[-2:]
    assert (winner.name, first.name) == ("Search 1, winner", "Search 1, first settings")
    assert winner.minutes == first.minutes == pytest.approx(60, abs=1)  # each has all the time that is left


def test_a_search_that_is_stopped_stops_all_its_trainings(small_data: Path) -> None:
    fake, stopping = Fake(state="running", slots=2), Stop()
    search = prepared(small_data, Plan(0, grid={"loss": ["bce", "dice", "focal"]}))
    asked: list[str] = []
    fake.score = lambda config: asked.append(config.loss) or stopping.set() or 0.5
    assert conduct(search, fake, stopping)[0] == "stopped"
    assert [run.stop_file.exists() for run in run_folder.list_runs()] == [True, True] and asked


def test_the_first_trial_that_cannot_train_ends_the_others(small_data: Path) -> None:
    def score(config: TrainConfig) -> float:
        raise UserError("No mask holds any foreground.")

    fake = Fake(score, state="running", slots=2)
    search = prepared(small_data, Plan(60, trials=4))
    with pytest.raises(UserError, match="cannot continue"):
        conduct(search, fake)
    assert "stopped" in {run.status().state for run in run_folder.list_runs()}
