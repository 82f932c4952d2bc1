"""Models for browsers: made on the fly, made again after each epoch, and the same network as the model."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from core.config import TrainConfig
from core.errors import UserError
from core.export.file_metadata import file_metadata
from core.export.onnx_file import OnnxModel, largest_difference
from core.export.weights import with_weights
from core.live import models
from core.live.models import KEPT_FILES, LiveModel, file_of, live_model
from core.models.card import WEIGHTS_FILE
from core.models.factory import load_model
from core.models.onnx_files import import_onnx
from core.models.onnx_spec import OnnxSpec
from core.runs import run_folder
from core.runs.run_folder import Run
from core.system import workspace
from core.task import Task
from tests.core.live.conftest import small_model
from tests.core.models.onnx_networks import write_network
from tests.processes import python

pytestmark = pytest.mark.usefixtures("traced_here")


def training() -> Run:
    run = run_folder.create(TrainConfig("-"))
    run.set_status("running", process=os.getpid())
    return run


def ready(model_id: str) -> LiveModel:
    """After the moment in which it is being prepared."""
    live_model(model_id)
    found = live_model(model_id)
    assert found.state == "ready" and found.file is not None
    return found


def test_a_library_model_is_prepared_once_and_computes_what_the_model_does() -> None:
    folder = small_model(workspace.models() / "streets", 7)
    assert live_model("streets").state == "preparing"
    found = ready("streets")
    assert found.file is not None and not found.changes
    network, _ = load_model(folder)
    assert largest_difference(network, OnnxModel(found.file), None) < 1e-4
    assert file_metadata(found.file)["name"] == "Seed 7"  # not the one that was traced
    assert b"/home/owner" not in found.file.read_bytes()


def test_a_training_is_waited_for_and_each_epoch_is_another_version() -> None:
    run = training()
    assert live_model(run.id).state == "waiting" and live_model(run.id).changes
    small_model(run.folder / "last", 1)
    first = ready(run.id)
    small_model(run.folder / "last", 2)
    second = ready(run.id)
    assert first.changes and first.version != second.version and "0.5200" in second.message
    images = torch.randn(1, 3, 64, 64)
    before, after = (OnnxModel(f)(images).numpy() for f in (first.file, second.file))
    assert np.abs(before - after).max() > 0.01


def test_a_finished_training_gives_its_best_model() -> None:
    run = training()
    small_model(run.folder / "last", 1)
    small_model(run.best, 2)
    run.set_status("finished")
    found = ready(run.id)
    assert not found.changes and found.card is not None and found.card.name == "Seed 2"


def test_networks_of_others_are_prepared_at_once_or_say_why_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version, name in ((17, "new"), (9, "old")):
        file = write_network(tmp_path / f"{name}.onnx", version=version)
        import_onnx(file, name, OnnxSpec("", 64, 64), Task())
    found = live_model("new")
    assert found.state == "ready" and found.fixed and found.file is not None and found.file.is_file()
    for _ in range(2):
        assert live_model("old").state == "failed" and "at least 11 is needed" in live_model("old").message
    monkeypatch.setattr(models, "MOST_BYTES", 10)
    assert live_model("new").message == models.TOO_LARGE
    models._failed.clear()


def test_few_files_are_kept() -> None:
    run = training()
    for seed in range(KEPT_FILES + 2):
        small_model(run.folder / "last", seed)
        newest = ready(run.id)
    assert newest.file is not None and len(list(newest.file.parent.glob("*.onnx"))) == KEPT_FILES
    assert file_of(newest.version) == newest.file and file_of("0" * 16) is None and file_of("../x") is None


def test_weights_of_another_network_are_refused(
    traced_network: Path, saved_model: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="of another network"):
        with_weights(traced_network, saved_model / WEIGHTS_FILE, {}, tmp_path / "made.onnx")
    assert not (tmp_path / "made.onnx").exists()


def test_a_model_that_cannot_be_traced_says_so_until_the_server_restarts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small_model(workspace.models() / "odd", 3)

    def fails(folder: Path, template: Path) -> None:
        models._failed[template.name] = models._error_in('words\n{"error": "Its layers have no operator."}\n')

    monkeypatch.setattr(models, "_trace", fails)
    live_model("odd")
    assert live_model("odd").state == "failed" and live_model("odd").message == "Its layers have no operator."
    models._failed.clear()
    with pytest.raises(UserError, match="no such model"):
        live_model("gone")


def test_a_process_that_cannot_trace_prints_why(tmp_path: Path) -> None:
    done = python("-m", "core.export.template", tmp_path, tmp_path / "x.onnx")
    assert done.returncode == 1 and "holds no model" in models._error_in(done.stdout)
