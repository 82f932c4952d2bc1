"""A stranger opens the pages of a public server, by addresses that name what somebody else has made."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.data import demo, library
from core.policy import policy
from core.policy.permissions import OWNER, acting_as
from core.policy.rate_limit import UsedUpError
from core.runs import run_folder
from core.runs.run_folder import Run
from core.system.workspace import PROJECT
from pages.widgets.entry import INSIDE
from tests.builders import PAGES, slim, trained, write_scenes
from tests.limits import seconds

pytestmark = pytest.mark.usefixtures("public")
HARMLESS = {  # buttons that a stranger may see: a new one is either named here or asks for a permission
    "train": {"Compare with the ground truth", "Use it on a photo"},
    "models": {"Compare", "Details", "Live", "Use"},
    "metrics": {
        "A good prediction", "Half overlap", "No overlap", "Nothing found", "Prediction too large",
        "Prediction too small", "Small subject, two pixels off", "Make the ground truth a rectangle",
        "Make the prediction a rectangle", "Swap ground truth and prediction",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Shared by this file: a training on a folder of the owner's, another that failed, a damaged data set."""
    patch = pytest.MonkeyPatch()
    folder = tmp_path_factory.mktemp("server") / "workspace"
    patch.setenv("SEGMENTATION_STUDIO_WORKSPACE", str(folder))
    patch.setattr(demo, "PAIRS", 6)
    patch.setattr(demo.generate, "__defaults__", (None, 6))
    with acting_as(OWNER):
        list(demo.generate(pairs=6))
        private = write_scenes(folder.parent / "quine" / "private", 6)
        run = run_folder.create(slim(private, name="Portraits", epochs=1))
        for event in trained(run.config, run.folder):
            run.append(event)
        run.set_status("finished")
        (run.folder / "log.txt").write_text(f"reading {private}")
        damaged = write_scenes(library.new_folder("damaged"), 4)
        (damaged / "dataset.json").write_text("{")
        failed = run_folder.create(slim(damaged, name="Beach"))
        failed.set_status("failed", f"dataset.json in {damaged} cannot be read as JSON.")
    yield folder
    patch.undo()


@pytest.fixture
def run(workspace: Path) -> Run:
    return next(run for run in run_folder.list_runs() if run.config.name == "Portraits")


def opened(page: str, query: dict[str, str] | None = None, **state: object) -> AppTest:
    app = AppTest.from_file(str(PROJECT / "pages" / f"{page}.py"), default_timeout=seconds(60))
    app.session_state[INSIDE] = True
    for key, value in state.items():
        app.session_state[key] = value
    for key, value in (query or {}).items():
        app.query_params[key] = value
    return app.run()


def sent(app: AppTest) -> bytes:
    """Everything that reaches the browser: what is shown, and the identifiers of widgets."""
    elements = [element for element in app._tree if getattr(element, "proto", None) is not None]
    return b"\n".join(element.proto.SerializeToString() for element in elements)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_sends_a_stranger_no_path_and_offers_no_change(page: str, workspace: Path, run: Run) -> None:
    private = workspace.parent / "quine"
    named = {"run": run.id, "model": str(run.best), "data": str(private / "private")}
    app = opened(page, named, chosen_model=str(run.best), chosen_dataset=str(private / "private"))
    assert not app.exception
    assert b"quine" not in sent(app)
    assert str(workspace).encode() not in sent(app)
    assert {button.label for button in app.button} <= HARMLESS.get(page, set())


@pytest.mark.parametrize("section", ["Images", "Scores", "Models", "Runs", "Groups"])
def test_compare_sends_a_stranger_no_path(section: str, workspace: Path, run: Run) -> None:
    app = opened("compare", chosen_model=str(run.best), compare_section=section)
    assert not app.exception
    assert b"quine" not in sent(app) and str(workspace).encode() not in sent(app)


def test_a_stranger_sees_the_curves_of_a_training_but_neither_its_log_nor_its_folder(run: Run) -> None:
    app = opened("train", {"run": run.id})
    assert app.get("plotly_chart") and any(
        "Portraits" in str(box.value) or run.id in str(box.value) for box in app.selectbox
    )
    assert b"reading " not in sent(app) and not app.code


@pytest.mark.parametrize("wanted", ["../../../etc", "no-such-run", "/etc/passwd", "damaged", ""])
def test_an_address_that_names_no_run_shows_another(wanted: str, run: Run) -> None:
    app = opened("train", {"run": wanted})
    assert not app.exception
    assert app.selectbox(key="run_box").value in {run.id for run in run_folder.list_runs()}


def test_a_damaged_data_set_and_a_failed_training_are_named_relative_to_the_workspace(
    workspace: Path,
) -> None:
    damaged = str(workspace / "datasets" / "damaged")
    failed = next(run for run in run_folder.list_runs() if run.config.name == "Beach")
    for app in (opened("data", chosen_dataset=damaged), opened("train", {"run": failed.id})):
        assert any("datasets/damaged" in error.value for error in app.error)
        assert str(workspace).encode() not in sent(app)


@pytest.mark.parametrize(("tiles", "counted"), [("Off", 1), ("3 x 3", 10)])
def test_test_time_augmentation_counts_towards_the_quota_by_its_passes(tiles: str, counted: int) -> None:
    app = opened("segment", tiles=tiles)
    assert not app.exception and not app.error
    limit = policy.current_policy().photos_per_hour
    quota = app.session_state["quota"]
    quota.check(limit, limit - counted)
    with pytest.raises(UsedUpError):
        quota.check(limit, limit - counted + 1)
