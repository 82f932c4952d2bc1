"""Each page, run as Streamlit runs it, without a browser."""

import ast
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kagglesdk import kaggle_env
from streamlit.testing.v1 import AppTest

from core.config import TrainConfig, preset_config
from core.data import demo
from core.models.card import read_card
from core.runs import run_folder
from core.settings import settings_of
from core.system.score_names import DICE_MEAN, DICE_POOLED, IOU_MEAN, MIOU, PIXEL_ACCURACY
from core.system.workspace import PROJECT
from pages.widgets.entry import INSIDE
from tests.builders import PAGES, TINY
from tests.limits import seconds

pytestmark = pytest.mark.usefixtures("few_drawn_people")


def opened(page: str, **state: object) -> AppTest:
    app = AppTest.from_file(str(PROJECT / "pages" / f"{page}.py"), default_timeout=seconds(60))
    app.session_state[INSIDE] = True
    for key, value in state.items():
        app.session_state[key] = value
    return app.run()


def words(app: AppTest) -> str:
    kinds = ("title", "markdown", "caption", "error", "warning", "info", "success")
    return "\n".join(e.value for kind in kinds for e in getattr(app, kind))


def test_every_page_is_in_the_navigation() -> None:
    navigation = (PROJECT / "pages" / "widgets" / "entry.py").read_text("utf-8")
    assert [page for page in PAGES if f"pages/{page}.py" not in navigation] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_in_an_empty_workspace(page: str) -> None:
    app = opened(page)
    assert not app.exception, app.exception
    assert not app.error, app.error
    assert app.title


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_with_a_trained_model(page: str, finished_run: run_folder.Run) -> None:
    app = opened(page, chosen_model=str(finished_run.best))
    assert not app.exception, app.exception
    assert not app.error, app.error


def test_the_compare_page_shows_the_validation_images(finished_run: run_folder.Run) -> None:
    app = opened("compare", chosen_model=str(finished_run.best))
    assert [m.label for m in app.metric] == [DICE_MEAN, DICE_POOLED, IOU_MEAN, MIOU, PIXEL_ACCURACY]
    assert "2 images: an interval takes 10 or more" in words(app)


@pytest.mark.parametrize("section", ["Scores", "Models", "Runs", "Groups"])
@pytest.mark.parametrize("kind", ["finished_run", "run_of_classes"])
def test_every_section_of_the_compare_page_opens(
    section: str, kind: str, request: pytest.FixtureRequest
) -> None:
    run: run_folder.Run = request.getfixturevalue(kind)
    app = opened("compare", chosen_model=str(run.best), compare_section=section)
    assert not app.exception, app.exception
    assert not app.error, app.error
    if section == "Models":
        # The first of the others, or a baseline, is compared at once; of two images nothing is concluded.
        assert "too few" in app.info[-1].value and not app.success


def test_the_best_threshold_becomes_the_models_own(finished_run: run_folder.Run) -> None:
    app = opened("compare", chosen_model=str(finished_run.best), compare_section="Scores")
    button = next(b for b in app.button if b.label.startswith("Use "))
    value = float(button.label.split()[1])
    button.click().run()
    assert not app.exception, app.exception
    assert read_card(finished_run.best).threshold == value


def test_the_leaderboard_scores_what_is_not_scored_and_sorts_it(finished_run: run_folder.Run) -> None:
    app = opened("models", models_view="Leaderboard")
    assert app.dataframe[0].value[DICE_MEAN].isna().all()
    count = len(app.dataframe[0].value)
    next(b for b in app.button if b.label.startswith(f"Score {count} more")).click().run()
    assert not app.exception and not app.error
    board = app.dataframe[0].value
    assert board[DICE_MEAN].is_monotonic_decreasing and len(board) == count >= 2
    assert board["95 % low"].isna().all() and board["95 % high"].isna().all()  # fewer than ten images
    assert (board["Latency, ms"] > 0).all()


def test_the_encoder_guide_narrows_down_and_leads_to_a_training() -> None:
    app = opened("models", models_view="Encoders")
    assert not app.exception
    every = len(app.dataframe[0].value)
    app.text_input(key="encoder_search").set_value("resnet").run()
    narrowed = app.dataframe[0].value
    assert 0 < len(narrowed) < every and all("resnet" in name for name in narrowed["Encoder"])
    app.text_input(key="encoder_search").set_value("no such").run()
    assert "No encoder matches" in words(app)
    train = opened("train", wanted_encoder="tu-convnext_femto")
    assert not train.exception
    assert train.selectbox(key="encoder_Auto_tu-convnext_femto").value == "tu-convnext_femto"


def test_the_models_page_shows_names_as_they_are_and_lists_scores(finished_run: run_folder.Run) -> None:
    app = opened("models")
    assert r"My \*first\* model" in words(app)
    assert any(m.label == DICE_MEAN for m in app.metric)


def test_the_train_page_shows_a_finished_run(finished_run: run_folder.Run) -> None:
    app = opened("train")
    labels = {m.label for m in app.metric}
    assert {DICE_MEAN, IOU_MEAN, PIXEL_ACCURACY, "Best epoch"} <= labels
    assert "Predictions after epoch 2" in words(app)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_with_a_model_of_several_classes(page: str, run_of_classes: run_folder.Run) -> None:
    app = opened(page, chosen_model=str(run_of_classes.best))
    assert not app.exception, app.exception
    assert not app.error, app.error
    if page in ("compare", "segment", "train"):
        assert any("&lt;i&gt;road" in e.value for e in app.get("html")) or page == "train"


def test_a_run_that_was_cut_short_can_be_resumed_from_the_page(finished_run: run_folder.Run) -> None:
    assert not [b for b in opened("train").button if b.label == "Resume"]
    finished_run.set_status("died", "The worker is gone.")
    assert [b for b in opened("train").button if b.label == "Resume"]


def test_masks_of_several_values_are_asked_about(run_of_classes: run_folder.Run) -> None:
    folder = run_of_classes.config.data
    app = opened("train", chosen_dataset=folder)
    assert "What to find" in "".join(str(group.proto) for group in app.get("button_group"))
    assert "What to find" not in "".join(str(group.proto) for group in opened("train").get("button_group"))


def test_every_setting_with_a_group_has_its_widget_on_the_train_page() -> None:
    app = opened("train")
    kinds = ("number_input", "selectbox", "checkbox", "text_input")
    labels = {widget.label for kind in kinds for widget in getattr(app, kind)}
    assert {about.label for _, _, _, about in settings_of(TrainConfig) if about.group} <= labels


def test_the_train_page_says_how_a_run_failed() -> None:
    run = run_folder.create(preset_config("Balanced", demo.demo_folder(), **TINY))
    run.set_status("failed", "Masks in <b>x</b> hold nothing.")
    app = opened("train")
    assert [e.value for e in app.error] == [r"Masks in \<b\>x\</b\> hold nothing\."]


def test_a_run_whose_folder_is_broken_does_not_break_the_page(workspace: Path) -> None:
    run = run_folder.create(preset_config("Balanced", demo.demo_folder(), **TINY))
    (run.folder / "status.json").write_text("{")
    run.events_file.write_bytes(b"\xff\xfe not json\n{}\n")
    app = opened("train")
    assert not app.exception, app.exception


def test_the_data_page_names_what_is_wrong() -> None:
    (demo.demo_folder() / "images" / "scene_001.jpg").write_bytes(b"junk")
    app = opened("data")
    assert not app.exception
    assert {m.label: m.value for m in app.metric}["Excluded"] == "1"
    app.session_state["data_section"] = "Findings"
    app.run()
    assert not app.exception and "Damaged, or not a picture" in words(app) and "No partner" not in words(app)


@pytest.mark.parametrize("section", ["Pictures", "Findings", "Split", "Augmentation", "Paint", "Export"])
def test_every_part_of_the_data_page_opens(section: str) -> None:
    app = opened("data", data_section=section)
    assert not app.exception and not app.error


@pytest.mark.parametrize("way", ["Import", "Download", "Paint masks", "Compose"])
def test_every_way_to_a_new_data_set_opens(way: str) -> None:
    app = opened("data", adding_data=True, adding_way=way)
    assert not app.exception and not app.error


def test_offline_downloads_are_one_sentence_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.LOCAL, "http://127.0.0.1:9")
    app = opened("data", adding_data=True, adding_way="Download")
    started = time.monotonic()
    next(b for b in app.button if b.label == "The tutorial's own set").click().run()
    assert "cannot be reached" in app.error[0].value and time.monotonic() - started < seconds(5)


def test_what_pages_import_leaves_torch_for_later() -> None:
    """A page whose imports load torch opens seconds later."""
    sources = [PROJECT / "streamlit_app.py", *(PROJECT / "pages").rglob("*.py")]
    lines = {
        ast.unparse(node)
        for p in sources
        for node in ast.parse(p.read_text("utf-8")).body
        if re.match(r"(from|import) core", ast.unparse(node))
    }
    heavy = ("torch", "segmentation_models_pytorch", "albumentations", "timm")
    code = "\n".join([*sorted(lines), "import sys", f"print([m for m in {heavy} if m in sys.modules])"])
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
