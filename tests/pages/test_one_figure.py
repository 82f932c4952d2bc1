"""A model has one headline figure, in one form, on every page, on its card and on the command line."""

import json
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core.cli import main
from core.models import registry
from core.models.card import README_FILE, read_card, write_card
from core.runs.history import History
from core.runs.run_folder import Run
from core.system.score_names import DICE_MEAN, PIXEL_ACCURACY, score
from tests.pages.test_pages import opened

pytestmark = pytest.mark.usefixtures("few_drawn_people")


def metrics_of(app: AppTest) -> dict[str, str]:
    return {m.label: m.value for m in app.metric}


def model_label(app: AppTest, run: Run) -> str:
    box = next(b for b in app.selectbox if b.label == "Model")
    return next(str(option) for option in box.options if option.startswith(run.title))


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
        found[page] = model_label(app, run).rsplit(" ", 1)[-1], ""
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
