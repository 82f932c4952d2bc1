"""Which model is offered first for a data set."""

from pathlib import Path

import numpy as np
import pytest

from core.errors import UserError
from core.evaluation import comparison
from core.evaluation.cache import Evaluation
from core.evaluation.candidates import baselines, newest_on, nothing, of_folder
from core.models import registry
from core.models.card import ModelCard
from core.models.registry import Entry
from core.runs.run_folder import Run
from core.task import Task
from tests.core.evaluation.evaluations import made


def entry(name: str, data: Path | None, is_run: bool = True) -> Entry:
    folder = Path("runs") / name
    settings = {"data": str(data)} if data else {}
    card = ModelCard(name, "Unet", "resnet18", "none", settings=settings)
    return Entry(folder, card, 1.0, Run(folder) if is_run else None)


def test_the_newest_run_on_the_data_set_comes_first_then_other_runs_then_the_rest(tmp_path: Path) -> None:
    cracks, people = tmp_path / "cracks", tmp_path / "people"
    listed = [
        entry("person-lite0", None, is_run=False),
        entry("people new", people),
        entry("cracks new", cracks),
        entry("cracks old", cracks),
        entry("imported", tmp_path / "elsewhere", is_run=False),
    ]
    names = [e.card.name for e in newest_on(listed, cracks / ".." / "cracks")]
    assert names == ["cracks new", "cracks old", "people new", "person-lite0", "imported"]
    assert newest_on(listed, None)[0].card.name == "people new"


def test_baselines_are_what_they_say(entry: registry.Entry, small_data: Path, found: Evaluation) -> None:
    none, fresh = (made(candidate, small_data, "all") for candidate in baselines(entry))
    scores = none.judged(0.5)
    share = none.table["foreground"]
    assert (scores["dice"] == 0).all() and np.allclose(scores["pixel_accuracy"], 1 - share)
    assert none.table["hd95"].isna().all()
    assert 0 < fresh.judged(0.5)["dice"].mean() < 1
    board = comparison.compare({"model": found, "nothing": none}, {"model": 0.5, "nothing": 0.5})
    assert board.pairs[0].worse + board.pairs[0].better <= 10
    assert list(board.spread) == sorted(board.spread, reverse=True)


def test_nothing_predicts_the_first_of_several_classes() -> None:
    task = Task("multiclass", ("sky", "road"), (0, 1))
    labels = nothing(task).make().labels(np.zeros((40, 50, 3), np.uint8))
    assert labels.shape == (40, 50) and not labels.any()


def test_a_folder_without_a_model_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"config\.json"):
        of_folder(tmp_path)
