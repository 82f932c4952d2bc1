"""Starting a search on the Train page, watching it, and what it was worth."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.data import demo
from core.data.dataset import open_data
from core.runs import jobs as run_jobs
from core.search import search_folder
from core.search.board import BOARD_FILE, Board, Phase, Row, TrialState, Verdict, to_dict
from core.search.search_folder import Plan, Search
from core.system.score_names import DICE_MEAN
from core.system.workspace import write_json
from tests.builders import tiny
from tests.pages.test_pages import opened, words
from tests.pages.test_train_page import ended

pytestmark = pytest.mark.usefixtures("few_drawn_people")


@pytest.fixture(autouse=True)
def without_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_jobs, "_launch", lambda *_: None)


@pytest.fixture
def done() -> Search:
    """A search that is done, with a run for its winner."""
    winner = ended(demo.demo_folder(), name="Search 1, winner")
    search = search_folder.create(tiny(demo.demo_folder()), Plan(60))
    rows = [
        Row(i, TrialState.COMPLETE if i % 3 == 0 else TrialState.CUT,
            {"encoder": "timm-tf_efficientnet_lite0", "size": "256x192", "learning_rate": 1e-3 * (i + 1)},
            0.7 + i / 100, 1.0 if i % 3 == 0 else 0.17, 30.0, winner.id)
        for i in range(9)
    ]  # fmt: skip
    verdict = Verdict(
        winner.id,
        "other",
        20,
        0.9,
        (0.85, 0.94),
        0.05,
        (0.01, 0.09),
        "The winner is better on 15 of 20 images.",
    )
    board = Board(Phase.DONE, 3500.0, 3600.0, tuple(rows), {"size": 0.7, "learning_rate": 0.3}, verdict)
    write_json(search.folder / BOARD_FILE, to_dict(board))
    search.run.set_status("finished")
    return search


def label_of_buttons(app: AppTest) -> set[str]:
    return {button.label for button in app.button}


def test_a_search_is_started_with_minutes_and_the_settings_of_the_form() -> None:
    app = opened("train")
    app.number_input(key="search_minutes").set_value(90).run()
    assert "no test set: about one photo in seven" in words(app)
    app.button(key="start_search").click().run()
    assert not app.exception and not app.error
    (search,) = search_folder.list_searches()
    assert search.plan.minutes == 90 and search.run.config.preset == app.selectbox(key="preset").value
    assert len(open_data(demo.demo_folder()).split.test) >= 1
    assert app.session_state["train_view"] == "Searches"
    assert "Starting" in str(app.get("progress")[0].proto)


def test_a_sweep_needs_two_values_of_a_setting() -> None:
    app = opened("train")
    assert app.button(key="start_sweep").disabled
    app.multiselect(key="sweep_loss").set_value(["bce", "dice"]).run()
    app.multiselect(key="sweep_architecture").set_value(["Unet", "FPN"]).run()
    assert "4 trainings" in words(app)
    app.button(key="start_sweep").click().run()
    (search,) = search_folder.list_searches()
    assert search.plan.grid == {"loss": ["bce", "dice"], "architecture": ["Unet", "FPN"]}
    assert not open_data(demo.demo_folder()).split.test


def test_a_search_that_is_done_says_what_it_was_worth_and_opens_its_winner(done: Search) -> None:
    app = opened("train", train_view="Searches")
    assert not app.exception and not app.error
    metrics = {metric.label: (metric.value, metric.delta) for metric in app.metric}
    assert metrics[f"Test: {DICE_MEAN}"] == ("0.9000", "95 % interval 0.8500 to 0.9400")
    assert metrics["Gain from the search"] == ("+0.0500", "95 % interval +0.0100 to +0.0900")
    board = app.dataframe[0].value
    assert list(board["Trial"])[:3] == [7, 4, 1] and board["Encoder"].iloc[0] == "efficientnet-lite0"
    assert len(app.get("plotly_chart")) == 2
    assert "Stop" not in label_of_buttons(app) and "Resume" not in label_of_buttons(app)
    app.button(key="open_winner").click().run()
    assert app.selectbox(key="run_box").value == done.board.rows[0].run


def test_a_search_that_was_killed_can_be_resumed(done: Search) -> None:
    write_json(done.folder / BOARD_FILE, to_dict(Board(rows=done.board.rows, total=3600.0, seconds=60.0)))
    done.run.set_status("running", process=2**22 - 7)
    app = opened("train", train_view="Searches")
    assert any("ended without a message" in error.value for error in app.error)
    app.button(key="resume_search").click().run()
    assert not app.exception and done.run.status().state == "starting"


def test_a_page_that_is_opened_anew_shows_the_search_that_runs(done: Search) -> None:
    import os

    assert opened("train").session_state["train_view"] == "Trainings"
    done.run.set_status("running", process=os.getpid())
    assert opened("train").session_state["train_view"] == "Searches"


def test_a_stranger_sees_a_search_without_paths_and_cannot_change_it(
    done: Search, workspace: Path, request: pytest.FixtureRequest
) -> None:
    from tests.pages.test_strangers import sent

    failed = Row(9, TrialState.FAILED, {}, message=f"{workspace}/runs/x/best cannot be read.")
    write_json(done.folder / BOARD_FILE, to_dict(Board(rows=(*done.board.rows, failed))))
    done.run.set_status("failed", f"dataset.json in {workspace} cannot be read.")
    request.getfixturevalue("public")  # from here on a stranger asks
    app = opened("train", train_view="Searches")
    assert not app.exception and str(workspace).encode() not in sent(app)
    assert label_of_buttons(app) <= {"Open the winner"}
