"""A run can be renamed while it trains and afterwards, and its models with it."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.config import TrainConfig
from core.errors import UserError
from core.models.card import read_card, write_card
from core.runs import run_folder
from core.training.naming import rename
from tests.builders import untrained_card


@pytest.fixture
def run(workspace: Path) -> run_folder.Run:
    return run_folder.create(TrainConfig("somewhere/cracks", preset="Quick look"))


def with_model(run: run_folder.Run) -> None:
    run.best.mkdir()
    for name in ("config.json", "model.safetensors"):
        (run.best / name).write_text("{}")
    write_card(run.best, replace(untrained_card(), name="cracks, lite0"))


def test_a_run_without_a_name_is_called_by_its_data_set_and_preset(run: run_folder.Run) -> None:
    assert run.title == "cracks, Quick look"


def test_a_new_name_is_that_of_the_run_and_of_its_models(run: run_folder.Run) -> None:
    with_model(run)
    rename(run, "  Cracks  in  concrete ")
    assert run.title == read_card(run.best).name == "Cracks in concrete"


def test_a_name_given_before_there_is_a_model_is_kept(run: run_folder.Run) -> None:
    rename(run, "Cracks")
    assert run_folder.Run(run.folder).given_name == "Cracks"


@pytest.mark.parametrize("name", ["", "   ", "x" * 81])
def test_an_empty_or_overlong_name_is_refused(run: run_folder.Run, name: str) -> None:
    with pytest.raises(UserError, match="1 to 80"):
        rename(run, name)
    assert run.title == "cracks, Quick look"
