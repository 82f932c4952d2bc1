"""A training that was cut short goes on as if nothing had happened."""

import os
import resource
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from core.config import TrainConfig
from core.errors import UserError
from core.models.card import is_model
from core.models.factory import load_model
from core.runs import jobs, run_folder
from core.runs.events import EpochEnd, Finished
from core.runs.history import History
from core.runs.run_folder import STATE_FILE, Run
from core.runs.status import LIVE
from core.training.checkpoint import read_state
from core.training.loop import fit
from tests.builders import of, slim, tiny, trained
from tests.limits import seconds
from tests.processes import python

HARD = {"schedule": "one-cycle", "ema_decay": 0.9, "augmentation": "strong", "encoder_lr_multiplier": 0.5}


def curve(events: list) -> list[tuple[float, ...]]:
    return [(e.epoch, e.dice_mean, e.validation_loss, e.train_loss or 0) for e in of(EpochEnd, events)]


@pytest.mark.parametrize("changes", [
    HARD,
    {"schedule": "plateau", "optimizer": "sgd", "ema_decay": 0.0},
    {"accumulate": 2, "precision": "bf16"},
    {**HARD, "sampling": "patches", "height": 32, "images_per_epoch": 8},
])  # fmt: skip
def test_the_curve_of_a_resumed_run_is_that_of_an_uninterrupted_one(
    small_data: Path, tmp_path: Path, changes: dict
) -> None:
    config = slim(small_data, epochs=4, **changes)
    whole = curve(trained(config, tmp_path / "whole"))
    first = trained(config, tmp_path / "cut", stop_after=5)  # in the middle of the third epoch
    assert of(Finished, first)[0].reason == "stopped"
    second = trained(config, tmp_path / "cut")
    done = of(EpochEnd, first)[-1].epoch
    assert 0 < done < 4 and of(EpochEnd, second)[0].epoch == done + 1
    for one, other in zip(whole, curve(first) + curve(second), strict=True):
        assert one == pytest.approx(other, abs=1e-6)


def test_kill_9_loses_at_most_the_running_epoch(small_data: Path, tmp_path: Path) -> None:
    config = tiny(small_data, epochs=6, augmentation="standard")
    run = jobs.start(config)
    wait_until((run.folder / STATE_FILE).is_file)
    os.kill(run.status().process, signal.SIGKILL)
    wait_until(lambda: run.status().state == "died")
    kept = int(read_state(run.folder)["progress"]["epoch"])
    assert kept >= 1 and run.can_resume
    seen = [e.epoch for e in History(run).refresh().epochs]
    assert kept >= max(seen) - 1
    jobs.resume(run)
    wait_until(lambda: run.status().state not in LIVE)
    history = History(run).refresh()
    assert run.status().state == "finished", run.log
    assert [e.epoch for e in history.epochs] == list(range(7))
    whole = trained(config, tmp_path / "whole")
    for one, other in zip(of(EpochEnd, whole), history.epochs, strict=True):
        assert (one.dice_mean, one.validation_loss) == pytest.approx(
            (other.dice_mean, other.validation_loss), abs=1e-6
        )
    steps = [s.step for s in history.steps]
    assert steps == sorted(set(steps))


def test_a_page_that_watches_sees_the_resumed_run(small_data: Path) -> None:
    run = run_folder.create(slim(small_data, epochs=2))
    stopped_in_second_epoch(run)
    watched = History(run).refresh()
    assert watched.finished is not None
    run.set_status("stopped")
    run.make_ready_to_resume()
    from core.training import worker

    assert worker.work(run) == "finished"
    watched.refresh()
    assert [e.epoch for e in watched.epochs] == [0, 1, 2]
    assert watched.finished is not None and watched.finished.reason == "done"


def stopped_in_second_epoch(run: Run) -> None:
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 3

    for event in fit(run.config, run.folder, stop):
        run.append(event)


def test_a_finished_run_and_one_without_an_epoch_do_not_resume(small_data: Path) -> None:
    run = run_folder.create(slim(small_data))
    run.set_status("died")
    with pytest.raises(UserError, match="cannot be resumed"):
        jobs.resume(run)


def test_a_damaged_state_is_said_and_the_models_stay(small_data: Path, tmp_path: Path) -> None:
    config = slim(small_data, epochs=3)
    trained(config, tmp_path / "run", stop_after=3)
    state = tmp_path / "run" / STATE_FILE
    state.write_bytes(state.read_bytes()[:500])
    with pytest.raises(UserError, match="cannot be resumed"):
        trained(config, tmp_path / "run")
    load_model(tmp_path / "run" / "best")


def test_a_full_disk_ends_the_run_with_a_sentence_and_keeps_the_last_good_model(
    small_data: Path, workspace: Path
) -> None:
    """Files above a size cannot be written, which is what a full disk looks like to the writer."""
    run = run_folder.create(tiny(small_data, epochs=200))
    # The model of some 9 MB fits, the state of three times that does not.
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (15_000_000, 15_000_000))
    done = python("-m", "core", "train", "--run-folder", run.folder, first=limit)
    assert done.returncode == 1, done.stdout
    assert "disk" in done.stderr and "Traceback" not in done.stderr
    status = run.status()
    assert status.state == "failed" and "File too large" in status.message
    assert "The best model so far is kept, but the run cannot be resumed" in status.message
    assert is_model(run.best) and not run.can_resume
    load_model(run.best)
    assert not list(run.folder.glob(".*part"))


def wait_until(condition: Callable[[], object], idle: float = 120) -> None:
    end = time.monotonic() + seconds(idle)
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_settings_of_this_file_are_valid() -> None:
    TrainConfig.from_dict({"data": "x", **HARD})
