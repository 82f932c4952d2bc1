"""A stranger on a public server calls every function of `core` that changes, costs or reveals something.

The list is made of what exists, see effects.py: a new function is found by itself, and either asks for a
permission or is named here with the reason why it need not.
"""

import importlib
import inspect
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from core.config import TrainConfig
from core.data import demo, library, painting
from core.data.catalogue import open_catalogue
from core.data.dataset import DataFolder, may_hold_classes, open_data
from core.data.importing.sources import open_source
from core.data.pairing import find_root
from core.errors import UserError
from core.evaluation.cache import evaluate
from core.evaluation.candidates import of_folder
from core.evaluation.groups import read_groups
from core.export.job import run_export
from core.labelling.session import open_session
from core.policy import permissions
from core.policy.permissions import ACTIONS, NEEDS, OWNER, acting_as
from core.runs import jobs, run_folder
from core.runs.run_folder import Run
from core.search import jobs as search_jobs
from core.search import search_folder
from core.server.rest import api
from tests.builders import write_scenes
from tests.core.policy.effects import Function, Source, source_of

pytestmark = pytest.mark.usefixtures("public")

PHOTO = "what anybody may do: cut out a photo or a short video of their own, within the quotas that pages ask"
READING = "looks at a data set that has been opened, which asks; a page of pictures at a time"
# What asks for nothing, and why it need not.
HARMLESS = {
    "cluster.prediction.Worker.predict": "on a node, for a process that is connected to it, which asks",
    "cluster.prediction.WorkerPool.warm_up": "on a cluster that this process is connected to, which asks",
    "data.composing.read_background": "one picture that somebody has just uploaded, or of the command line",
    "data.composing.read_cutout": "one picture that somebody has just uploaded, or of the command line",
    "data.importing.plan.preview": "a few pairs of a source that has been opened, which asks",
    "data.importing.recognition.recognise": "reads a source that has been opened, which asks",
    "data.library.display_name": "says no more than the folder's name where it may not be opened",
    "data.painting.grabcut": "one photo at 640 pixels, of the section that changes data sets",
    "data.painting.saved_mask": READING,
    "data.reading.reading": READING,
    "data.store.read_pair": READING,
    "data.thumbnails.thumbnails": READING,
    "evaluation.cache.panels": READING,
    "evaluation.candidates.baselines": "makes nothing yet; evaluating asks",
    "evaluation.candidates.of_entry": "makes nothing yet; evaluating asks",
    "evaluation.leaderboard.standings": "of evaluations that are there; makes none",
    "evaluation.per_image.Chunk.save": "a chunk of an evaluation, which has asked",
    "evaluation.pictures.errors_beside": READING,
    "export.job.report_of": "of a zip that run_export has made, which asks",
    "inference.card_previews.make_pictures": "four small pictures of a model, made once",
    "inference.clips.keep_clip": PHOTO,
    "inference.cutout.cut_out": PHOTO,
    "inference.cutout.segment": PHOTO,
    "inference.shown.predicted": PHOTO,
    "inference.video.replace_background": PHOTO,
    "inference.zip_writer.megabytes": PHOTO,
    "inference.zip_writer.new_zip": PHOTO,
    "inference.zip_writer.pack": PHOTO,
    "labelling.click_model.started_from": "a new network in memory, for the script that trains it",
    "labelling.simulation.next_stroke": "arithmetic on two masks that the caller has",
    "labelling.grabcut.grabcut_mask": "one photo at 480 pixels, of the page that changes data sets",
    "labelling.pictures.small_picture": READING,
    "labelling.session.LabelSession.shown_png": READING,
    "models.onnx_trial.main": "a process that onnx_check starts, which asks",
    "export.template.main": "a process that live_model starts, once for each network",
    "live.pages.live_pages": "models that anybody may use, made ready once; a token where visitors sign in",
    "live.pages.page_of": "an address of a page, for a page that has admitted its visitor",
    "policy.folders.may_open": "is what asks; says nothing of whether the folder is there",
    "policy.notices.dismiss": "a preference of the person themselves, in a file of a few bytes",
    "runs.run_folder.Run.append": "of the worker's own run, in its process",
    "search.scoring.judge": "of the process of a search, which has asked; evaluating asks too",
    "search.scoring.validation_dice": "of the process of a search, which has asked; evaluating asks too",
    "server.middleware.lifespan": "the shutdown of the server itself, which acts as the owner",
    "system.parallel.all_cores": "threads for those who have work for them",
    "system.scratch.make_room": "deletes what visitors uploaded before, oldest first",
    "training.estimate.note": "a figure about the machine, of the worker's own run, in its process",
    "training.planning.plan.make_plan": "rules applied to a fingerprint, which asks when it is made",
    "training.encoder_benchmark.main": "a process that measure_here starts, which asks",
}  # fmt: skip


@pytest.fixture(scope="module")
def source() -> Source:
    return source_of()


class Scene:
    """What the owner has here: photos in the workspace and elsewhere, a model, a training."""

    def __init__(self, tmp_path: Path, model: Path) -> None:
        with acting_as(OWNER):
            self.private = write_scenes(tmp_path / "private", 4)
            self.shown = write_scenes(library.new_folder("shown"), 4)
            self.data: DataFolder = open_data(self.shown)
            self.waiting = painting.photos_of(self.private)[0]
            self.run: Run = run_folder.create(TrainConfig(data=str(self.private)))
            self.run.set_status("queued", process=os.getpid())
            self.search = search_folder.create(TrainConfig(data=str(self.private)), search_folder.Plan())
            self.search.run.set_status("running", process=os.getpid())
        self.model = model

    def calls(self) -> dict[str, Callable[[], object]]:
        """Of what asks depending on what it is given: a call of each that must be refused. The permission
        that every caller needs is taken as given."""
        return {
            "data.catalogue.open_catalogue": lambda: list(open_catalogue(self.shown)),
            "data.dataset.may_hold_classes": lambda: may_hold_classes(self.private),
            "data.dataset.open_data": lambda: open_data(self.private),
            "data.demo.generate": lambda: list(demo.generate(self.private, 2)),
            "data.importing.sources.open_source": lambda: open_source(Path("/etc")),
            "data.painting.add_photos": lambda: inspect.unwrap(painting.add_photos)(self.private, []),
            "data.painting.photos_in_folder": lambda: list(painting.photos_in_folder(self.private)),
            "data.painting.photos_of": lambda: painting.photos_of(self.private),
            "data.painting.require_paintable": lambda: painting.require_paintable(self.private),
            "data.painting.save_mask": lambda: inspect.unwrap(painting.save_mask)(self.waiting, None),  # type: ignore[arg-type]
            "data.pairing.find_root": lambda: find_root(self.private),
            "evaluation.cache.evaluate": lambda: list(evaluate(of_folder(self.model), self.data)),
            "evaluation.groups.read_groups": lambda: read_groups(self.private),
            "export.job.run_export": lambda: list(
                inspect.unwrap(run_export)(self.model, "x", ["onnx"], None)
            ),
            "labelling.session.open_session": lambda: open_session(self.private),
            "runs.jobs.stop": lambda: jobs.stop(self.run),
            "runs.run_folder.Run.log": lambda: self.run.log,
            "runs.run_folder.Run.provenance": lambda: self.run.provenance,
            "search.jobs.stop": lambda: search_jobs.stop(self.search),
            "server.rest.api": self._ask_rest,
        }

    def _ask_rest(self) -> None:
        answer = TestClient(api(), base_url="http://localhost").get("/models")
        raise UserError(answer.json()["error"])


@pytest.fixture
def scene(tmp_path: Path, saved_model: Path) -> Scene:
    return Scene(tmp_path, saved_model)


def is_refusal(error: UserError) -> bool:
    return any(f"may {action} here." in str(error) for action in ACTIONS.values()) or (
        "only they may stop it" in str(error)
    )


def everything_in(*folders: Path) -> dict[Path, bytes]:
    return {p: p.read_bytes() for folder in folders for p in folder.rglob("*") if p.is_file()}


def guarded(source: Source) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The functions that ask before they do anything, as they are."""
    for function in source.functions.values():
        if function.needs:
            module = importlib.import_module(function.module)
            yield function.short, getattr(module, function.name.rsplit(".", 1)[-1])


def with_anything(work: Callable[..., Any]) -> object:
    """Call it with an object for everything that it wants to have."""
    wanted = inspect.signature(work).parameters.values()
    return work(*[object() for p in wanted if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD])


def test_every_function_that_needs_a_permission_is_refused_before_it_does_anything(
    source: Source, scene: Scene, workspace: Path
) -> None:
    before = everything_in(workspace, scene.private)
    names = []
    for name, work in guarded(source):
        names.append(name)
        assert getattr(work, NEEDS) == source.functions[f"core.{name}"].needs
        with pytest.raises(UserError) as refused:
            with_anything(work)
        assert ACTIONS[getattr(work, NEEDS)] in str(refused.value), name
    assert len(names) > 40 and everything_in(workspace, scene.private) == before


def test_every_function_that_asks_depending_on_what_it_is_given_is_refused(
    scene: Scene, workspace: Path
) -> None:
    before = everything_in(workspace, scene.private)
    for name, call in scene.calls().items():
        with pytest.raises(UserError) as refused:
            call()
        assert is_refusal(refused.value), (name, str(refused.value))
    assert everything_in(workspace, scene.private) == before
    assert scene.run.status().state == "queued"


def test_every_function_that_asks_within_is_called_here(source: Source, scene: Scene) -> None:
    asks = {
        f.short for f in source.functions.values()
        if f.requires and f.is_public and f.module != permissions.__name__
    }  # fmt: skip
    assert asks - scene.calls().keys() == set()


def test_every_way_in_that_does_something_asks_or_is_named_as_harmless(source: Source, scene: Scene) -> None:
    forgotten = {
        f.short: sorted(source.effects(f))
        for f in source.entries()
        if not f.is_guarded and f.short not in HARMLESS.keys() | scene.calls().keys() and source.effects(f)
    }
    assert forgotten == {}, "ask for a permission with @needs, or say in HARMLESS why that is not needed"


def test_what_is_named_as_harmless_is_there_and_would_be_found(source: Source) -> None:
    entries = {f.short for f in source.entries() if not f.is_guarded and source.effects(f)}
    assert HARMLESS.keys() - entries == set()


PLANTED = """
import shutil
from pathlib import Path
from core.policy.permissions import needs, require

def wipe(folder: Path) -> None:
    shutil.rmtree(folder)

def wipe_by_way_of_another(folder: Path) -> None:
    _hidden(folder)

def _hidden(folder: Path) -> None:
    Keeper().empty(folder)

class Keeper:
    def empty(self, folder: Path) -> None:
        wipe(folder)

def read(folder: Path) -> list[Path]:
    return list(folder.iterdir())

def write(name: str) -> None:
    with open(name, "w") as file:
        file.write("x")

@needs("change")
def asks(folder: Path) -> None:
    shutil.rmtree(folder)

def stands_before_what_asks(folder: Path) -> None:
    asks(folder)

def asks_within(folder: Path) -> None:
    require("change")
    shutil.rmtree(folder)

def adds(one: int, other: int) -> int:
    return one + other
"""


def test_a_function_that_is_forgotten_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "planted.py").write_text(PLANTED)
    planted = source_of(tmp_path / "core")

    def named(name: str) -> Function:
        return planted.functions[f"core.planted.{name}"]

    for name in ("wipe", "wipe_by_way_of_another", "read", "write"):
        assert planted.effects(named(name)) and not named(name).is_guarded, name
    for name in ("stands_before_what_asks", "adds"):
        assert not planted.effects(named(name)), name
    assert named("asks").needs == "change" and named("asks_within").requires
    assert named("wipe_by_way_of_another").name in {f.name for f in planted.entries()}
