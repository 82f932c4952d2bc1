"""What the Train page says before a training, and which run it shows."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.config import preset_config
from core.data import demo
from core.runs import jobs, run_folder
from core.runs.run_folder import Run
from tests.builders import TINY, write_scenes
from tests.pages.test_pages import opened, words

pytestmark = pytest.mark.usefixtures("few_drawn_people")


def ended(data: Path, **settings: object) -> Run:
    run = run_folder.create(preset_config("Balanced", data, **{**TINY, **settings}))
    run.set_status("finished")
    return run


def run_box(app: AppTest) -> str | None:
    chosen = app.selectbox(key="run_box")
    return chosen.value


def test_the_summary_follows_the_settings_and_says_how_long_it_takes() -> None:
    app = opened("train", preset="Quick look")
    assert "6 epochs of " in words(app) and "at 192 x 256 px" in words(app)
    assert "changed" not in words(app)
    app.number_input(key="epochs_Quick look").set_value(600).run()
    assert "600 epochs of " in words(app) and "**Quick look**, changed (Epochs)" in words(app)
    minutes = re.search(r"about (\d+) min on this machine", words(app))
    # 8 photos and 2 of validation, of which the speed noted for the tests takes 0.06 s each
    assert minutes and 4 <= int(minutes[1]) <= 6


def test_a_run_on_another_data_set_is_not_shown_as_if_it_were_this_ones(workspace: Path) -> None:
    people, cracks = ended(demo.demo_folder()), write_scenes(workspace / "datasets" / "cracks", 4)
    app = opened("train", chosen_dataset=str(cracks))
    assert run_box(app) is None and "No run on this data set yet" in words(app)
    app.selectbox(key="run_box").set_value(people.id).run()
    assert run_box(app) == people.id and any("drawn" in h.value for h in app.subheader)
    newer = ended(cracks)
    again = opened("train", chosen_dataset=str(cracks))
    assert run_box(again) == newer.id


def test_choosing_another_data_set_leaves_the_run_of_the_one_before(workspace: Path) -> None:
    ended(demo.demo_folder())
    cracks = write_scenes(workspace / "datasets" / "cracks", 4)
    app = opened("train")
    assert run_box(app)
    box = next(b for b in app.selectbox if b.label == "Data set")
    box.set_value(next(o for o in box.options if "cracks" in o)).run()
    assert run_box(app) is None, cracks


def test_runs_are_listed_by_name_time_and_state() -> None:
    ended(demo.demo_folder(), name="My first")
    ended(demo.demo_folder()).set_status("died", "The worker is gone.")
    labels = opened("train").selectbox(key="run_box").options
    assert [
        bool(re.search(r" · \d\d? \w{3} \d{4}, \d\d:\d\d · (finished|died)$", text)) for text in labels
    ] == [
        True,
        True,
    ]
    assert any(text.startswith("My first · ") for text in labels)


def test_a_run_is_renamed_where_it_is_watched() -> None:
    run = ended(demo.demo_folder())
    app = opened("train")
    app.text_input(key=f"name_{run.id}").set_value("Cracks *2*")
    app.button(key=f"save_name_{run.id}").click().run()
    assert not app.exception and not app.error
    assert run.title == "Cracks *2*" and any(r"Cracks \*2\*" in h.value for h in app.subheader)


def test_a_started_run_is_watched_and_handed_to_the_other_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    ended(demo.demo_folder())
    monkeypatch.setattr(jobs, "_launch", lambda *_: None)
    app = opened("train")
    next(b for b in app.button if b.label == "Start training").click().run()
    newest = run_folder.list_runs()[0]
    assert run_box(app) == newest.id and newest.status().state == "starting"
    assert app.session_state["chosen_model"] == str(newest.best)


@pytest.mark.parametrize(("kind", "first"), [("classes", "Each class"), ("instances", "One foreground")])
def test_what_the_masks_are_is_what_is_offered_first(workspace: Path, kind: str, first: str) -> None:
    folder = workspace / "datasets" / kind
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for i in range(6):
        Image.fromarray(np.full((40, 40, 3), 40 * i, np.uint8)).save(folder / "images" / f"{i}.png")
        mask = np.zeros((40, 40), np.uint8)
        for value in (1, 3, 4) if kind == "classes" else range(1, 3 + i % 3):
            mask[:, 8 * value : 8 * value + 8] = value
        Image.fromarray(mask).save(folder / "masks" / f"{i}.png")
    app = opened("train", chosen_dataset=str(folder))
    (group,) = [g for g in app.get("button_group") if "What to find" in str(g.proto)]
    assert group.value == first


def test_the_plan_stands_there_before_the_start_and_follows_what_is_changed() -> None:
    app = opened("train")
    assert app.selectbox(key="preset").value == "Auto"
    assert "in the shape of the photos" in words(app) and "photos a step" in words(app)
    planned = app.selectbox(key="height_Auto").value, app.selectbox(key="width_Auto").value
    assert f"{planned[1]} x {planned[0]} px" in words(app)
    app.selectbox(key="height_Auto").set_value(64).run()
    assert not app.exception and not app.error
    assert "**Auto**, changed (Height)" in words(app) and "as you set it" in words(app)
    app.number_input(key="minutes").set_value(60.0).run()
    assert "60 minutes" in words(app)
    assert app.selectbox(key="height_Auto").value == 64  # what is set stays, the rest follows the plan


def test_a_planned_run_keeps_its_plan_and_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_launch", lambda *_: None)
    app = opened("train")
    next(b for b in app.button if b.label == "Start training").click().run()
    run = run_folder.list_runs()[0]
    assert run.config.preset == "Auto" and run.config.minutes == 5
    assert any(sentence.startswith("Size: ") for sentence in run.plan["sentences"])


def test_a_value_that_nobody_changed_follows_the_plan_to_another_data_set(workspace: Path) -> None:
    cracks = write_scenes(workspace / "datasets" / "cracks", 6)
    app = opened("train")
    before = app.selectbox(key="height_Auto").value
    box = next(b for b in app.selectbox if b.label == "Data set")
    box.set_value(next(o for o in box.options if "cracks" in o)).run()
    assert not app.exception and app.selectbox(key="height_Auto").value == 96 != before, cracks


def test_a_run_that_ended_before_its_first_step_has_no_empty_charts() -> None:
    ended(demo.demo_folder()).set_status("stopped")
    app = opened("train")
    assert not app.exception and not app.get("plotly_chart") and "nothing to resume" in words(app)
