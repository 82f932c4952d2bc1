"""A stranger has no folder of the machine opened: not by name, not by way of a model, not by a process."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from core.config import TrainConfig
from core.data import library
from core.data.catalogue import open_catalogue
from core.data.dataset import open_data
from core.errors import UserError
from core.export.job import run_export
from core.inference.card_previews import kept_pictures, make_pictures
from core.inference.predictor import Predictor
from core.models import importing, registry
from core.models.card import read_card, write_card
from core.policy.folders import may_open
from core.policy.permissions import OWNER, acting_as
from core.runs import jobs, run_folder
from tests.builders import write_scenes

REFUSED = "may use folders of the server"


@pytest.fixture(autouse=True)
def open_but_for_the_machine(public: Path) -> None:
    public.write_text('public = true\nadd = "everyone"\ntrain = "everyone"\nchange = "everyone"\n')


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """Photos of the owner's, outside of the workspace."""
    return write_scenes(tmp_path / "private", 4)


@pytest.fixture
def model_naming(private: Path, saved_model: Path, tmp_path: Path) -> Path:
    """A model whose card names the owner's folder, as a stranger would upload it."""
    folder = tmp_path / "made_elsewhere"
    shutil.copytree(saved_model, folder)
    settings = {"data": str(private), "start_from": str(private), "encoder": "resnet18", "note": "../../x"}
    write_card(folder, dataclasses.replace(read_card(folder), settings=settings))
    return folder


def test_a_data_set_of_the_workspace_opens_for_anybody(workspace: Path) -> None:
    folder = write_scenes(library.new_folder("shown"), 4)
    assert len(open_data(folder).pairs) == 4


def test_a_folder_of_the_machine_is_refused_in_the_same_words_whether_it_is_there(private: Path) -> None:
    sentences = set()
    for folder in (private, private.parent / "nothing", Path("/etc"), private / "images" / "00.jpg"):
        for opened in (lambda: open_data(folder), lambda: list(open_catalogue(folder))):  # noqa: B023
            with pytest.raises(UserError, match=REFUSED) as refused:
                opened()
            sentences.add(str(refused.value))
    assert len(sentences) == 1


def test_a_link_in_the_workspace_leads_nowhere_else(private: Path) -> None:
    link = library.new_folder("link")
    link.symlink_to(private)
    with pytest.raises(UserError, match=REFUSED):
        open_data(link)


def test_what_an_admin_has_checked_there_is_not_found_again_by_a_stranger(private: Path) -> None:
    with acting_as(OWNER):
        list(open_catalogue(private))
    with pytest.raises(UserError, match=REFUSED):
        list(open_catalogue(private))


def test_a_model_from_elsewhere_carries_no_paths(model_naming: Path) -> None:
    settings = read_card(importing.import_folder(model_naming, "theirs")).settings
    assert settings == {"encoder": "resnet18"}


def test_the_pictures_of_a_model_trained_there_are_of_samples_for_a_stranger(
    model_naming: Path, private: Path, workspace: Path
) -> None:
    run = run_folder.create(TrainConfig(data=str(private)))
    shutil.copytree(model_naming, run.best)
    entry = next(e for e in registry.list_models() if e.run)
    predictor = Predictor(entry.folder)
    with acting_as(OWNER):
        own = make_pictures(entry, predictor)
        assert kept_pictures(entry) == own
    assert kept_pictures(entry) == []
    shown = make_pictures(entry, predictor)
    assert shown and not set(shown) & set(own)
    with acting_as(OWNER):
        assert kept_pictures(entry) == own


def test_processes_that_act_as_the_owner_are_given_no_folder_of_the_machine(
    private: Path, saved_model: Path
) -> None:
    inside = str(write_scenes(library.new_folder("shown"), 4))
    for work in (
        lambda: jobs.start(TrainConfig(data=str(private))),
        lambda: jobs.find_rate(TrainConfig(data=str(private))),
        lambda: jobs.start(TrainConfig(data=inside, start_from=str(private))),
        lambda: jobs.start(TrainConfig(data=inside, loggers="csv,wandb")),
        lambda: list(run_export(registry.list_models()[0].folder, "x", ["int8"], private)),
        lambda: list(run_export(saved_model, "x", ["onnx"], None)),
    ):
        with pytest.raises(UserError, match=REFUSED):
            work()
    assert run_folder.list_runs() == []


def test_odd_paths_are_no_folders_of_the_apps(tmp_path: Path, workspace: Path) -> None:
    loop = library.new_folder("loop")
    loop.symlink_to(loop)
    for odd in (loop, Path("\0"), workspace, workspace / "datasets" / ".." / "..", Path("x" * 5000)):
        assert not may_open(odd)
