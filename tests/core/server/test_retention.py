"""What visitors left behind goes after a set time; what the owner and admins made stays."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import constants

from core.config import TrainConfig
from core.data import demo, library, painting
from core.data.catalogue import open_catalogue
from core.data.dataset import open_data
from core.evaluation.cache import Evaluation, evaluate
from core.evaluation.candidates import of_folder
from core.models import importing, registry
from core.policy import trash
from core.policy.ownership import is_own, sign
from core.policy.permissions import OWNER, STRANGER, Person, acting_as
from core.runs import run_folder
from core.server import retention
from tests.builders import write_scenes

ADMIN, VISITOR = Person("ada@example.org", "a"), Person(mark="b")


@pytest.fixture(autouse=True)
def open_for_an_hour(public: Path) -> None:
    """The server takes things from anybody, for an hour."""
    public.write_text(
        'public = true\nadmins = ["ada@example.org"]\nadd = "everyone"\ntrain = "everyone"\nkeep_hours = 1\n'
    )


def painted(name: str) -> Path:
    photo = write_scenes(Path(os.environ["SEGMENTATION_STUDIO_WORKSPACE"]) / "elsewhere" / name, 1)
    return painting.start(name, [("a.jpg", (photo / "images" / "00.jpg").read_bytes())])[0]


def cleaned(workspace: Path, hours: float = 2) -> set[str]:
    """The names of what goes when everything is so many hours old."""
    for path in sorted(workspace.rglob("*")):
        os.utime(path, (time.time() - hours * 3600,) * 2)
    with acting_as(OWNER):
        return {path.name for path in retention.clean(1)}


def test_what_a_visitor_brought_goes_and_what_the_owner_and_admins_made_stays(
    workspace: Path, saved_model: Path
) -> None:
    for person, name in ((OWNER, "owners"), (ADMIN, "admins"), (VISITOR, "visitors")):
        with acting_as(person):
            painted(f"{name}-photos")
            if person != VISITOR:  # who may not name folders of the machine
                importing.import_folder(saved_model, f"{name}-model")
            run = run_folder.create(TrainConfig(data="x"), workspace / "runs" / f"{name}-run")
            sign(run.folder)
            run.set_status("stopped")
    assert cleaned(workspace) == {"visitors-photos", "visitors-run"}


def test_what_is_young_or_trained_on_or_trains_stays(workspace: Path) -> None:
    with acting_as(VISITOR):
        used, young = painted("used"), painted("young")
        live = run_folder.create(TrainConfig(data=str(used)))
        sign(live.folder)
    live.set_status("running", process=os.getpid())
    assert cleaned(workspace, hours=0.5) == set()
    assert cleaned(workspace, hours=2) == {"young"} and used.is_dir() and not young.exists()
    assert live.folder.is_dir()


def test_nothing_that_was_made_before_the_server_was_opened_goes(public: Path, workspace: Path) -> None:
    public.write_text("")
    with acting_as(VISITOR):
        painted("mine")
    public.write_text("public = true\n")
    assert cleaned(workspace) == set()


def test_a_visitor_knows_their_own_from_others(workspace: Path) -> None:
    with acting_as(VISITOR):
        folder = painted("mine")
        assert is_own(folder)
    with acting_as(Person(mark="c")):
        assert not is_own(folder)
    with acting_as(STRANGER):  # no mark is nobody's mark
        assert not is_own(folder) and not is_own(workspace)


def test_what_a_visitor_brought_goes_from_the_trash_too(workspace: Path) -> None:
    with acting_as(VISITOR):
        folder = painted("mine")
    with acting_as(OWNER):
        deleted = trash.move_to_trash(folder, "mine")
    assert cleaned(workspace) == {deleted.now.name}


def test_what_was_broken_off_and_caches_go(workspace: Path) -> None:
    for place in ("datasets/.half.part", "cache/videos", "cache/manifests"):
        (workspace / place).mkdir(parents=True)
    (workspace / "cache" / "videos" / "clip.mp4").write_bytes(b"x")
    (workspace / "cache" / "manifests" / "broken.json").write_text("{")
    write_scenes(demo.demo_folder(), 2)
    assert cleaned(workspace) == {".half.part", "clip.mp4", "broken.json"}


@pytest.fixture
def evaluated(workspace: Path, saved_model: Path) -> Callable[[Person], str]:
    """An evaluation on the owner's photos, made by somebody; returns the name of its folder."""
    with acting_as(OWNER):
        folder = library.new_folder("photos")
        write_scenes(folder, 4)

    def make(person: Person) -> str:
        with acting_as(person):
            steps = list(evaluate(of_folder(saved_model), open_data(folder)))
        assert isinstance(steps[-1], Evaluation)
        return steps[-1].folder.name

    return make


def test_an_evaluation_of_an_admin_stays_as_long_as_its_photos(
    workspace: Path, evaluated: Callable[[Person], str]
) -> None:
    name = evaluated(ADMIN)
    assert name not in cleaned(workspace)
    with acting_as(OWNER):
        library.delete_dataset(workspace / "datasets" / "photos")
    assert name in cleaned(workspace)


def test_an_evaluation_of_a_visitor_goes(workspace: Path, evaluated: Callable[[Person], str]) -> None:
    assert evaluated(VISITOR) in cleaned(workspace)


def test_a_check_stays_as_long_as_its_photos(workspace: Path) -> None:
    with acting_as(OWNER):
        folder = write_scenes(library.new_folder("photos"), 4)
        list(open_catalogue(folder))
    kept = sorted((workspace / "cache" / "manifests").iterdir())
    assert len(kept) == 2 and cleaned(workspace) == set()
    with acting_as(OWNER):
        library.delete_dataset(folder)
    assert cleaned(workspace) == {path.name for path in kept}


def test_the_models_that_ship_are_not_touched(workspace: Path) -> None:
    before = [entry.folder for entry in registry.list_models()]
    cleaned(workspace, hours=1000)
    assert [entry.folder for entry in registry.list_models()] == before


def test_what_the_hub_left_in_the_workspace_goes_with_time_and_elsewhere_stays(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, name in ((workspace / "hub", "mine"), (tmp_path / "elsewhere", "others")):
        (place / f"models--a--{name}").mkdir(parents=True)
        os.utime(place / f"models--a--{name}", (time.time() - 7200,) * 2)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(place))
        with acting_as(OWNER):
            retention.clean(1)
    assert not (workspace / "hub" / "models--a--mine").exists()
    assert (tmp_path / "elsewhere" / "models--a--others").exists()
