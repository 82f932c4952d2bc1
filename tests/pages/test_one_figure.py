"""A model has one headline figure, in one form, on every page, on its card and on the command line."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Selectbox

from core.cli import main
from core.data import demo
from core.models import registry
from core.models.card import README_FILE, read_card, write_card
from core.runs import run_folder
from core.runs.history import History
from core.runs.run_folder import Run
from core.system.score_names import DICE_MEAN, PIXEL_ACCURACY, score
from tests.builders import tiny, write_scenes
from tests.pages.conftest import finished
from tests.pages.test_pages import opened

pytestmark = pytest.mark.usefixtures("few_drawn_people")


def metrics_of(app: AppTest) -> dict[str, str]:
    return {m.label: m.value for m in app.metric}


def model_box(app: AppTest) -> Selectbox[str]:
    return next(box for box in app.selectbox if box.label == "Model")


def model_label(app: AppTest, run: Run) -> str:
    return next(str(option) for option in model_box(app).options if option.startswith(run.title))


def everywhere(run: Run) -> dict[str, tuple[str, str]]:
    """Dice and pixel accuracy of a model as each place shows them; the second "" where it has none."""
    train, compare = opened("train"), opened("compare", chosen_model=str(run.best))
    assert not train.exception and not compare.exception
    shown = {"Train": metrics_of(train), "Compare": metrics_of(compare)}
    found = {name: (values[DICE_MEAN], values[PIXEL_ACCURACY]) for name, values in shown.items()}
    models = [m.value for m in opened("models").metric if m.label in (DICE_MEAN, PIXEL_ACCURACY)]
    place = [str(e.folder) for e in registry.list_models() if e.card.scores].index(str(run.best))
    found["Models"] = models[2 * place], models[2 * place + 1]
    for page, app in (("Compare's list", compare), ("Segment's list", opened("segment"))):
        found[page] = model_label(app, run).split(" · ")[1].split()[0], ""
    card = (run.best / README_FILE).read_text("utf-8")
    rows = {cells[1].strip(): cells[2].split()[0] for cells in (line.split("|") for line in card.splitlines())
            if len(cells) == 4}  # fmt: skip
    return found | {"card": (rows[DICE_MEAN], rows[PIXEL_ACCURACY])}


def by_evaluate(run: Run, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    capsys.readouterr()
    assert main(["evaluate", "--model", str(run.best), "--data", run.config.data, "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    return score(found["dice_mean"]), score(found["pixel_accuracy"])


def test_a_model_has_one_figure_everywhere(finished_run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    found = everywhere(finished_run) | {"evaluate": by_evaluate(finished_run, capsys)}
    dice, accuracy = found["evaluate"]
    assert found == {name: (dice, accuracy if shown[1] else "") for name, shown in found.items()}
    best = History(finished_run).refresh().best
    assert best and score(best.dice_mean) != dice  # the training size gives another one


def test_a_model_that_was_not_scored_in_time_has_one_figure_once_it_is_compared(finished_run: Run) -> None:
    card, best = read_card(finished_run.best), History(finished_run).refresh().best
    assert best
    old = {**card.scores, "dice_mean": best.dice_mean}
    write_card(finished_run.best, replace(card, scores=old, scored_on="2 validation images at 48 x 64 px."))
    first = everywhere(finished_run)
    assert {name: shown[0] for name, shown in first.items() if name != "Train"} == dict.fromkeys(
        first.keys() - {"Train"}, first["Compare"][0]
    )
    assert score(best.dice_mean) != first["Compare"][0]
    assert metrics_of(opened("train"))[DICE_MEAN] == first["Compare"][0]


def test_compare_opens_the_newest_run_on_the_data_set_that_was_trained_on(
    finished_run: Run, workspace: Path
) -> None:
    on_people = finished_run.best
    cracks = write_scenes(workspace / "datasets" / "cracks", 6)
    for name in ("older", "newer"):
        finished(run_folder.create(tiny(cracks, name=name, epochs=1)))
    assert model_box(opened("compare")).value != str(on_people)  # the newest of all
    people = opened("compare", chosen_dataset=str(demo.demo_folder()))
    assert model_box(people).value == str(on_people)
    app = opened("compare", chosen_dataset=str(cracks))
    assert not app.exception and read_card(Path(str(model_box(app).value))).name == "newer"
