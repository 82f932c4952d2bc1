"""Runs as folders: names, states and histories."""

import os
from pathlib import Path

import pytest

from core.config import TrainConfig
from core.errors import UserError
from core.runs import run_folder
from core.runs.events import EpochEnd, Note, Started, Step
from core.runs.history import History
from core.runs.status import LIVE


def test_history_reads_only_whole_lines_and_only_once(workspace: Path) -> None:
    run = run_folder.create(TrainConfig("data"))
    history = History(run)
    run.append(Note("one"))
    with open(run.events_file, "a") as file:
        file.write('{"event": "note", "te')
    assert [n.text for n in history.refresh().notes] == ["one"]
    with open(run.events_file, "a") as file:
        file.write('xt": "two"}\n')
    assert [n.text for n in history.refresh().refresh().notes] == ["one", "two"]


def test_progress_is_a_fraction_of_all_steps(workspace: Path) -> None:
    run = run_folder.create(TrainConfig("data"))
    run.append(Started(8, 2, 10, 4, "CPU", "fp32", "none", 1))
    run.append(Step(2, 15, 0.1, 0.5, 0.4, 0.9, 1e-3, 9.0, 12.0, 20.0))
    run.append(EpochEnd(1, 0.3, 0.2, 0.8, 0.7, 0.6, 0.7, 0.9, 0.8, 0.8, 9.0, True))
    history = History(run).refresh()
    assert history.fraction_done == 15 / 40
    assert history.best is not None and history.best.dice_mean == 0.7


def test_two_runs_of_the_same_second_get_two_folders(workspace: Path) -> None:
    assert len({run_folder.create(TrainConfig("data")).id for _ in range(4)}) == 4


def test_a_folder_in_use_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="not empty"):
        run_folder.create(TrainConfig("data"), tmp_path / "full")


def test_a_worker_that_never_came_up_is_not_live_for_ever(workspace: Path) -> None:
    run = run_folder.create(TrainConfig("data"))
    assert run.status().state in LIVE
    run.set_status("running", process=2**22 - 7)
    assert run.status().state == "died"


def test_a_process_number_used_again_is_not_taken_for_the_worker(workspace: Path) -> None:
    from dataclasses import asdict, replace

    from core.system.workspace import write_json

    run = run_folder.create(TrainConfig("data"))
    run.set_status("running", process=os.getpid())
    assert run.status().state == "running"
    write_json(run.folder / "status.json", asdict(replace(run.status(), process_started=1.0)))
    assert run.status().state == "died"
