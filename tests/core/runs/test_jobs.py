"""Runs that share a machine: who waits for whom, what counts, and whose word is the last."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core.config import TrainConfig
from core.errors import UserError
from core.runs import jobs, run_folder, status
from core.runs.run_folder import Run
from core.system.device import slots
from core.training import worker
from core.training.worker import Stop


def made(state: str, rate_finder: bool = False, devices: tuple[str, ...] = ()) -> Run:
    config = TrainConfig("data")
    run = run_folder.create_rate_finder(config) if rate_finder else run_folder.create(config)
    run.set_status(state, process=os.getpid(), devices=devices)
    return run


def gets_its_turn(run: Run, device: str) -> bool:
    """Whether it trains at once; False where it says that it waits."""
    stopping = Stop()
    with worker._device_turn(run, device, stopping, lambda _: stopping.set()) as has_turn:
        return has_turn


def test_an_idle_cpu_does_not_wait_for_a_run_that_is_queued_on_a_gpu(workspace: Path) -> None:
    made("queued", devices=("cuda:0",))
    assert gets_its_turn(made("starting"), "cpu")


def test_an_older_run_in_the_same_line_goes_first(workspace: Path) -> None:
    made("queued", devices=("cuda:0", "cuda:1"))
    assert not gets_its_turn(made("starting"), "cuda")
    assert gets_its_turn(made("starting"), "cuda:2")


def test_a_rate_finder_in_the_same_line_goes_first_too(workspace: Path) -> None:
    made("queued", rate_finder=True, devices=("cpu",))
    time.sleep(1.1)  # names tell who is older, by the second
    assert not gets_its_turn(made("starting"), "cpu")


@pytest.mark.parametrize(("first", "second"), [("cuda", "cuda:0"), ("cuda:0", "cuda"), ("cpu", "cpu")])
def test_two_names_of_one_device_take_one_lock(workspace: Path, first: str, second: str) -> None:
    older, younger = made("running"), made("starting")
    with worker._device_turn(older, first, Stop(), lambda _: None) as has_turn:
        assert has_turn and not gets_its_turn(younger, second)
        assert younger.status().devices == slots(second)
    assert gets_its_turn(younger, second)


def test_a_training_on_two_gpus_waits_for_both_and_keeps_neither_meanwhile(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, both = made("running"), made("starting")
    with worker._device_turn(first, "cuda:1", Stop(), lambda _: None):
        monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
        assert not gets_its_turn(both, "cuda")
        monkeypatch.delenv("LOCAL_WORLD_SIZE")
        both.set_status("stopped")
        assert gets_its_turn(made("starting"), "cuda:0")


def test_a_second_rate_finder_leaves_the_one_that_runs_alone(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_launch", lambda *_: None)
    monkeypatch.setattr(jobs, "_check_settings", lambda *_: None)
    first = jobs.find_rate(TrainConfig("data"))
    first.set_status("running", process=os.getpid())
    second = jobs.find_rate(TrainConfig("data"))
    assert first.status().state == "running" and first.folder != second.folder
    first.set_status("finished")
    jobs.find_rate(TrainConfig("data"))
    assert first.folder.is_dir()  # whoever started it may still look at it
    monkeypatch.setattr(run_folder, "KEPT_RATE_FINDERS", -1)
    jobs.find_rate(TrainConfig("data"))
    assert len(run_folder.list_rate_finders()) == 3  # of four, the one that ended is gone


def test_rate_finders_count_among_trainings(workspace: Path, set_policy: Callable[[str], Path]) -> None:
    set_policy("trainings_at_once = 1\n")
    finder = made("running", rate_finder=True)
    assert jobs.active() == [finder] and finder.is_rate_finder
    with pytest.raises(UserError, match="as many as this server allows"):
        jobs.start(TrainConfig("data"))
    assert run_folder.list_runs() == []


def test_a_quick_workers_last_word_stands(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_folder.create(TrainConfig("data"))
    start = status.process_start

    def fails_meanwhile(process: int) -> float:
        """The worker says that it failed just while whoever started it notes its number."""
        monkeypatch.setattr(run_folder, "process_start", start)
        run.set_status("failed", "There is no data.", process=process)
        return start(process)

    monkeypatch.setattr(run_folder, "process_start", fails_meanwhile)
    monkeypatch.setattr(jobs.sys, "executable", "/bin/true")
    jobs._launch(run)
    assert (run.status().state, run.status().message) == ("failed", "There is no data.")


def test_a_worker_that_has_not_spoken_yet_is_known_by_its_process(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_folder.create(TrainConfig("data"))
    run.set_launched(os.getpid())
    monkeypatch.setattr(run_folder.time, "time", lambda: run.status().changed + 3600)
    assert run.status().state == "starting" and run.status().process == os.getpid()
    run.set_launched(2**22 - 7)
    assert run.status().state == "died"
