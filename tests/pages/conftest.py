"""Data sets and trained models that pages show: made once, and copied into the workspace of each test."""

import shutil
from pathlib import Path

import pytest

from core.config import TrainConfig
from core.data import demo
from core.policy.permissions import OWNER, acting_as
from core.runs import run_folder
from core.runs.run_folder import Run
from core.training import estimate
from tests.builders import tiny, trained, write_camera

PEOPLE = 10  # instead of 256


def finished(run: Run) -> None:
    for event in trained(run.config, run.folder):
        run.append(event)
    run.set_status("finished")


def put(made: Path, workspace: Path) -> None:
    """Copy a workspace. Files that name its folder name the copy's."""
    shutil.copytree(made, workspace, dirs_exist_ok=True)
    for file in workspace.rglob("*.json*"):
        text = file.read_text()
        if str(made) in text:
            file.write_text(text.replace(str(made), str(workspace)))


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with few drawn people."""
    folder = tmp_path_factory.mktemp("drawn") / "workspace"
    with acting_as(OWNER):
        list(demo.generate(folder / "datasets" / demo.NAME, PEOPLE))
    return folder


@pytest.fixture(scope="session")
def drawn_and_trained(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a training on drawn people, `My *first* model`."""
    folder = tmp_path_factory.mktemp("trained") / "workspace"
    put(drawn, folder)
    with acting_as(OWNER), pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEGMENTATION_STUDIO_WORKSPACE", str(folder))
        finished(run_folder.create(tiny(demo.demo_folder(), name="My *first* model", epochs=2)))
    return folder


@pytest.fixture(scope="session")
def trained_on_classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a training on streets, whose classes have names that HTML would read as tags."""
    folder = tmp_path_factory.mktemp("streets") / "workspace"
    with acting_as(OWNER), pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEGMENTATION_STUDIO_WORKSPACE", str(folder))
        data = write_camera(folder / "datasets" / "streets")
        settings = {"task": "multiclass", "ignore_index": 7, "class_names": "sky,<i>road,car", "epochs": 1}
        finished(run_folder.create(tiny(data, name="<b>Streets", **settings)))
    return folder


@pytest.fixture
def few_drawn_people(drawn: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "PAIRS", PEOPLE)
    monkeypatch.setattr(demo.generate, "__defaults__", (None, PEOPLE))
    put(drawn, workspace)
    estimate.note(TrainConfig("-"), 1000, 200, epoch_seconds=60.0, loading=5.0)  # else the page measures it


@pytest.fixture
def finished_run(drawn_and_trained: Path, workspace: Path) -> Run:
    put(drawn_and_trained, workspace)
    return run_folder.list_runs()[0]


@pytest.fixture
def run_of_classes(trained_on_classes: Path, workspace: Path) -> Run:
    put(trained_on_classes, workspace)
    return run_folder.list_runs()[0]
