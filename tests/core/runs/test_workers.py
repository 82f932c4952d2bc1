"""Real worker processes: started, queued, stopped, killed."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.config import TrainConfig, preset_config
from core.errors import UserError
from core.models import registry
from core.models.card import ModelCard
from core.models.factory import load_model
from core.models.registry import Entry
from core.policy import trash
from core.runs import jobs, run_folder
from core.runs.history import History
from core.runs.run_folder import Run
from tests.builders import TINY
from tests.limits import seconds
from tests.processes import ForkedPopen

LONG = {**TINY, "epochs": 5000}


def long_config(data: Path, **changes: object) -> TrainConfig:
    return preset_config("Balanced", data, **{**LONG, **changes})


def wait_until(true: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return
        time.sleep(0.1)
    pytest.fail(f"{what} did not happen within {seconds} s")


def epochs_done(run: Run) -> int:
    return len(History(run).refresh().epochs)


@pytest.fixture
def polite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(jobs.POLITE)


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that have all they import from the start."""
    monkeypatch.setattr(
        jobs,
        "subprocess",
        SimpleNamespace(Popen=ForkedPopen, DEVNULL=subprocess.DEVNULL, STDOUT=subprocess.STDOUT),
    )


@pytest.fixture
def running(small_data: Path):  # type: ignore[no-untyped-def]
    run = jobs.start(long_config(small_data))
    wait_until(lambda: epochs_done(run) >= 3, 90, "training")
    yield run
    jobs.stop(run)


@pytest.mark.usefixtures("polite")
def test_a_worker_leaves_the_processor_to_the_pages_and_can_be_found_again(running: Run) -> None:
    status = running.status()
    assert status.state == "running" and status.process != os.getpid()
    assert os.getsid(status.process) != os.getsid(0)  # it does not die with this process's terminal
    share = Path(f"/proc/{status.process}/autogroup")  # Linux alone; it counts more than the niceness
    assert os.getpriority(os.PRIO_PROCESS, status.process) >= 10
    assert not share.exists() or share.read_text().endswith("nice 10\n")
    assert [r.id for r in jobs.active()] == [running.id]
    found = run_folder.find(running.id)
    assert found is not None and found.config == running.config


@pytest.mark.usefixtures("forked")
def test_stop_takes_less_than_three_seconds_and_keeps_the_best_model(running: Run) -> None:
    start = time.monotonic()
    jobs.stop(running)
    assert time.monotonic() - start < seconds(3)
    assert running.status().state == "stopped"
    load_model(running.best)
    assert [entry.run for entry in registry.list_models() if entry.run] == [running]


def test_a_killed_worker_is_noticed_and_what_it_saved_opens(running: Run) -> None:
    os.kill(running.status().process, signal.SIGKILL)
    wait_until(lambda: running.status().state == "died", 5, "noticing the death")
    assert "killed" in running.status().message
    load_model(running.best)
    jobs.reap()
    assert jobs.active() == []


@pytest.mark.usefixtures("forked")
def test_a_second_training_waits_in_line_and_then_starts_by_itself(running: Run, small_data: Path) -> None:
    second = jobs.start(long_config(small_data))
    try:
        wait_until(lambda: second.status().state == "queued", 60, "queueing")
        assert "Waiting" in second.status().message
        assert epochs_done(second) == 0
        jobs.stop(running)
        wait_until(lambda: epochs_done(second) >= 1, 60, "the second training")
    finally:
        jobs.stop(second)


@pytest.mark.usefixtures("forked")
def test_one_that_waits_can_be_stopped(running: Run, small_data: Path) -> None:
    second = jobs.start(long_config(small_data))
    wait_until(lambda: second.status().state == "queued", 60, "queueing")
    start = time.monotonic()
    jobs.stop(second)
    assert time.monotonic() - start < seconds(3)
    assert second.status().state == "stopped"
    assert running.status().state == "running"


def test_a_worker_that_is_still_loading_can_be_stopped(small_data: Path) -> None:
    run = jobs.start(long_config(small_data))
    time.sleep(0.3)
    start = time.monotonic()
    jobs.stop(run)
    assert time.monotonic() - start < seconds(3.2)
    assert run.status().state == "stopped"


@pytest.mark.usefixtures("forked")
def test_what_the_user_did_wrong_is_the_status_not_a_traceback(small_data: Path) -> None:
    for mask in (small_data / "masks").iterdir():
        mask.unlink()
    run = jobs.start(long_config(small_data))
    wait_until(lambda: run.status().state == "failed", 60, "failing")
    assert "pairs" in run.status().message
    assert "Traceback" not in run.log


@pytest.mark.usefixtures("forked")
def test_a_run_is_only_deleted_when_it_has_ended(running: Run) -> None:
    entry = Entry(running.best, ModelCard("m", "Unet", "resnet18", "none"), 1.0, running)
    with pytest.raises(UserError, match="stop it first"):
        registry.delete(entry)
    jobs.stop(running)
    deleted = registry.delete(entry)
    assert run_folder.find(running.id) is None
    trash.restore(deleted)
    assert run_folder.find(running.id) == running
