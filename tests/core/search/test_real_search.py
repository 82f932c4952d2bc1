"""Searches that train: one to its verdict, one that is killed, one that is interrupted."""

import os
import signal
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
import torch

from core.config import TrainConfig
from core.data.dataset import open_data
from core.models.card import is_model
from core.policy.permissions import OWNER, acting_as
from core.runs import jobs as run_jobs
from core.runs import run_folder
from core.runs.history import History
from core.runs.run_folder import STATE_FILE, Run
from core.search import jobs, search_folder
from core.search.board import Phase, TrialState
from core.search.search_folder import Plan, Search
from core.search.trainings import Backend
from core.training import worker
from tests.builders import LIGHT_ENCODER, tiny, write_scenes
from tests.core.search.fakes import prepared
from tests.limits import seconds
from tests.processes import Started, fork_server


def trained_here(config: TrainConfig) -> Run:
    run = run_folder.create(config)
    worker.work(run)
    return run


def test_a_search_trains_scores_and_judges(tmp_path: Path) -> None:
    data = write_scenes(tmp_path / "data", 40)
    settings = tiny(data, height=64, width=64)
    with acting_as(OWNER):
        prepared(data, Plan(60))  # holds a test set out
        search = search_folder.create(
            settings, Plan(0.2, 3, fixed=["encoder", "architecture", "size", "height"])
        )
        assert jobs.work(search, backend=Backend(start=trained_here)) == "finished"
    board = search.board
    assert board.phase is Phase.DONE and len(board.rows) >= 1
    assert all(row.dice is not None and 0 <= row.dice <= 1 for row in board.rows)
    assert board.verdict and board.verdict.images == 10 and board.verdict.interval
    winner = run_folder.find(board.verdict.winner)
    assert winner and is_model(winner.best) and winner.config.name == "Search 2, winner"
    split = open_data(data).split
    for run in run_folder.list_runs():
        started = History(run).refresh().started
        assert started and started.train_images + started.validation_images == 40 - len(split.test)
        assert not (run.folder / STATE_FILE).exists() or run == winner or "first" in run.config.name


def fork_worker(run: Run) -> None:
    """Train it in a process of its own, as `core.runs.jobs` does; forked, which is quicker."""
    if number := os.fork():
        run.set_launched(number)
        return
    os.setsid()
    with acting_as(OWNER):
        worker.work(run)
    os._exit(0)


def start_forked(config: TrainConfig) -> Run:
    run = run_folder.create(config)
    fork_worker(run)
    return run


def resume_forked(run: Run) -> None:
    run.make_ready_to_resume()
    fork_worker(run)


def score(run: Run, names: object) -> float:
    return 0.5


def search_in_this_process(workspace: str, folder: Path) -> None:
    os.environ["SEGMENTATION_STUDIO_WORKSPACE"] = workspace
    torch.set_num_threads(1)
    search = search_folder.open_search(folder)
    with acting_as(OWNER):
        jobs.work(search, backend=Backend(start_forked, resume_forked, score=score))


def searching(search: Search) -> ForkServerProcess:
    workspace = os.environ["SEGMENTATION_STUDIO_WORKSPACE"]
    child = fork_server().Process(target=search_in_this_process, args=(workspace, search.folder))
    child.start()
    return child


def wait_for(true: Callable[[], object], what: str) -> None:
    until = time.monotonic() + seconds(60)
    while not true():
        assert time.monotonic() < until, what
        time.sleep(0.02)


def test_a_search_and_its_training_that_are_killed_lose_the_running_epoch_alone(small_data: Path) -> None:
    search = prepared(
        small_data, Plan(0, grid={"loss": ["bce", "dice"]}), **tiny_settings(small_data, epochs=12)
    )
    first = searching(search)
    wait_for(lambda: any((r.folder / STATE_FILE).is_file() for r in run_folder.list_runs()), "no epoch ended")
    (run,) = run_folder.list_runs()
    os.kill(run.status().process, signal.SIGKILL)
    first.kill()
    first.join()
    assert search.run.status().state == "died" and search.can_resume
    kept = len(History(run).refresh().epochs)
    assert kept < 13
    second = searching(search)
    second.join(seconds(100))
    assert second.exitcode == 0 and search.board.phase is Phase.DONE
    assert [row.state for row in search.board.rows] == [TrialState.COMPLETE, TrialState.COMPLETE]
    assert len(run_folder.list_runs()) == 2 and search.board.rows[0].run == run.id
    history = History(run).refresh()
    assert [e.epoch for e in history.epochs] == list(range(13))
    assert any(note.text.startswith("Resuming after epoch") for note in history.notes)


def tiny_settings(data: Path, **changes: object) -> dict[str, object]:
    return {name: value for name, value in tiny(data, **changes).to_dict().items() if name != "data"}


def test_ctrl_c_stops_a_search_and_its_training(small_data: Path, tmp_path: Path) -> None:
    command = (
        f"-m core search --data {small_data} --grid loss=bce,dice --preset Balanced --device cpu "
        f"--encoder {LIGHT_ENCODER} --encoder-weights none --height 64 --width 64 --batch-size 4 "
        "--epochs 9999"
    ).split()
    process = Started(*command, environment={"OMP_NUM_THREADS": "1"}, first=os.setsid, folder=tmp_path)
    try:
        wait_for(lambda: any(r.status().state == "running" for r in run_folder.list_runs()), "no training")
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        assert process.wait(seconds(30)) == 130
    finally:
        process.kill()
    assert "Traceback" not in (tmp_path / "errors").read_text()
    assert "Continue with: python -m core search --resume" in (tmp_path / "output").read_text()
    (search,) = search_folder.list_searches()
    assert search.run.status().state == "stopped" and search.can_resume
    wait_for(lambda: not run_jobs.active(), "the training goes on")
    assert [run.status().state for run in run_folder.list_runs()] == ["stopped"]


@pytest.fixture(autouse=True)
def no_workers_left() -> object:
    yield
    for run in run_jobs.active():
        os.kill(run.status().process, signal.SIGKILL)
