"""Trainings by several processes, and loaders in processes of their own."""

import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from core.data.dataset import open_data
from core.data.store import Store, build_store
from core.models.factory import load_model
from core.runs import run_folder
from core.runs.events import EpochEnd
from core.runs.history import History
from core.runs.run_folder import Run
from core.system.workspace import PROJECT
from core.task import Task
from core.training import loading
from tests.builders import LIGHT_ENCODER, tiny
from tests.processes import python

WITHOUT_CHANCE = """
import sys, torch
from core import cli
from core.training import loop

build = loop.build_model

def without_dropout(config, task):
    built = build(config, task)
    for module in built.model.modules():
        if isinstance(module, torch.nn.Dropout | torch.nn.Dropout2d):
            module.p = 0.0
    return built

loop.build_model = without_dropout
sys.exit(cli.main(sys.argv[1:]))
"""


def test_two_processes_score_as_one_and_learn_the_same_from_the_same_images(
    small_data: Path, tmp_path: Path
) -> None:
    """With norms over groups of channels and no dropout, nothing depends on who has which image, even
    where one has four and the other three."""
    script = tmp_path / "train.py"
    script.write_text(WITHOUT_CHANCE)

    def run(folder: Path, launcher: list[str]) -> list[EpochEnd]:
        arguments = (
            f"train --data {small_data} --out {folder} --encoder {LIGHT_ENCODER} --epochs 2 --device cpu "
            "--encoder-weights none --height 64 --width 64 --batch-size 8 --images-per-epoch 7 "
            "--precision fp32 --loss bce+dice --augmentation none --freeze-encoder --architecture FPN "
            "--optimizer sgd --learning-rate 0.01 --json"
        ).split()
        environment = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(PROJECT)}
        done = python(*launcher, script, *arguments, environment=environment)
        assert done.returncode == 0, done.stderr[-3000:]
        json.loads(done.stdout.strip().splitlines()[-1])
        return History(Run(folder)).refresh().epochs

    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    one, two = run(tmp_path / "one", []), run(tmp_path / "two", torchrun)
    assert [e.epoch for e in two] == [0, 1, 2]
    untrained = [
        (e[0].dice_pooled, e[0].validation_loss, e[0].dice_mean, e[0].pixel_accuracy) for e in (one, two)
    ]
    assert untrained[0] == untrained[1]
    assert abs(one[-1].validation_loss - one[0].validation_loss) > 1e-3
    for alone, together in zip(one, two, strict=True):
        assert together.validation_loss == pytest.approx(alone.validation_loss, abs=1e-5)
        assert together.dice_pooled == pytest.approx(alone.dice_pooled, abs=1e-4)
    assert load_model(tmp_path / "two" / "last")[1].scores["dice_pooled"] == two[-1].dice_pooled


def test_asking_for_two_processes_starts_them(small_data: Path, tmp_path: Path) -> None:
    """What the page does: settings that name two devices, and one command."""
    run = run_folder.create(tiny(small_data, devices=2, epochs=1))
    done = python("-m", "core", "train", "--run-folder", run.folder)
    assert done.returncode == 0, done.stderr[-3000:]
    history = History(run).refresh()
    assert run.status().state == "finished" and history.started is not None
    assert history.started.device.startswith("2 x ")


def test_two_processes_that_cannot_train_say_so_once(small_data: Path, tmp_path: Path) -> None:
    data = shutil.copytree(small_data, tmp_path / "unreadable")
    for photo in (data / "images").iterdir():
        photo.write_bytes(b"no photo")
    run = run_folder.create(tiny(data, devices=2, epochs=1))
    done = python("-m", "core", "train", "--run-folder", run.folder)
    assert done.returncode == 1 and run.status().state == "failed"
    assert (done.stdout + done.stderr).count(run.status().message) == 1
    assert done.stderr.rstrip().endswith(f"Error: {run.status().message}")
    assert "Traceback" not in done.stderr and "torch" not in done.stderr


def test_a_second_process_that_dies_alone_is_named_with_what_it_printed(tmp_path: Path) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "__init__.py").touch()
    (tmp_path / "core" / "__main__.py").write_text(
        "import os, sys, time\n"
        "if os.environ['RANK'] == '0': time.sleep(60)\n"
        "print('words of the second', file=sys.stderr, flush=True)\n"
        "os.abort()\n"
    )
    script = PROJECT / "core" / "cli" / "processes.py"
    done = subprocess.run(
        [sys.executable, str(script), "2"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "Error: Process 2 of 2 ended by SIGABRT.\nwords of the second\n"


def test_loader_processes_give_the_batches_of_none(small_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = open_data(small_data)
    store = next(s for s in build_store(data.pairs, data.encoding, 86) if isinstance(s, Store))
    assert len(pickle.dumps(store)) < 1000
    config = tiny(small_data, augmentation="strong")
    alone = list(loading.training_batches(config, store, Task(), "cpu"))
    monkeypatch.setattr(loading, "loader_processes", lambda device, world: 2)
    several = list(loading.training_batches(config, store, Task(), "cpu"))
    assert len(alone) == len(several) == 2
    for one, other in zip(alone, several, strict=True):
        assert torch.equal(one[0], other[0]) and torch.equal(one[1], other[1])
