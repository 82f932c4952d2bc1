"""TensorBoard, CSV, and loggers that are missing or fail."""

import csv
from importlib.util import find_spec
from pathlib import Path

import pytest

from core.errors import UserError
from core.runs import run_folder
from core.runs.history import History
from core.training import worker
from tests.builders import slim


def test_tensorboard_and_csv_lie_beside_the_run(small_data: Path) -> None:
    run = run_folder.create(slim(small_data, epochs=2))
    worker.work(run)
    files = list((run.folder / "tensorboard").glob("events.out.tfevents*"))
    assert files and b"validation/dice" in files[0].read_bytes()
    rows = list(csv.DictReader((run.folder / "metrics.csv").open()))
    assert [int(r["epoch"]) for r in rows] == [0, 1, 2]
    assert float(rows[-1]["dice_pooled"]) == History(run).refresh().epochs[-1].dice_pooled


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_a_logger_that_is_not_installed_is_said(small_data: Path, name: str) -> None:
    if find_spec(name):
        pytest.skip(f"{name} is installed here")
    run = run_folder.create(slim(small_data, loggers=name))
    with pytest.raises(UserError, match="pip install"):
        worker.work(run)


def test_a_logger_that_fails_is_left_out_and_the_training_goes_on(
    small_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lightning_fabric.loggers import TensorBoardLogger

    def unreachable(self: object, *arguments: object) -> None:
        raise ConnectionError("the server does not answer")

    monkeypatch.setattr(TensorBoardLogger, "log_metrics", unreachable)
    run = run_folder.create(slim(small_data, epochs=1))
    assert worker.work(run) == "finished"
    warned = [n.text for n in History(run).refresh().notes if n.level == "warning"]
    assert any("does not answer" in text for text in warned)
