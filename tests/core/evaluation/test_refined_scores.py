"""What a user gets is what is scored: the masks that `predict` saves, refined or plain."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import cli
from core.data.dataset import open_data
from core.evaluation.cache import Evaluation, evaluate
from core.evaluation.candidates import of_folder
from core.system.workspace import SHIPPED_MODELS
from tests.builders import write_scenes

SHIPPED = SHIPPED_MODELS / "person-lite0"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scenes(tmp_path_factory.mktemp("refined") / "set", 4)


def dice_of_saved(data: Path, out: Path, *options: str) -> float:
    """The mean over images of Dice between the masks that `predict` writes and the true ones."""
    words = ["predict", str(data / "images"), "--model", str(SHIPPED), "--out", str(out), "--save", "mask"]
    assert cli.main([*words, "--threshold", "0.2", *options]) == 0
    found = []
    for file in sorted((data / "masks").iterdir()):
        with Image.open(file) as mask, Image.open(out / f"{file.stem}_mask.png") as saved:
            truth, predicted = np.asarray(mask) > 0, np.asarray(saved) > 0
        both = truth.sum() + predicted.sum()
        found.append(2 * (truth & predicted).sum() / both if both else 1.0)
    return float(np.mean(found))


@pytest.mark.parametrize("options", [(), ("--plain",)])
def test_evaluate_scores_the_masks_that_predict_saves(
    options: tuple[str, ...], data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = dice_of_saved(data, tmp_path / "out", *options)
    words = ["evaluate", "--model", str(SHIPPED), "--data", str(data), "--split", "all", "--json"]
    report = tmp_path / "report.html"
    assert cli.main([*words, "--threshold", "0.2", "--report", str(report), *options]) == 0
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert answer["dice_mean"] == pytest.approx(saved, abs=1e-9)
    assert answer["refined"] is not bool(options)
    assert f", {'plain' if options else 'refined'} edges" in report.read_text("utf-8")


def test_refined_and_plain_evaluations_are_kept_apart(data: Path) -> None:
    opened = open_data(data)

    def found(refine: bool) -> Evaluation:
        steps = evaluate(of_folder(SHIPPED, "cpu", 0.2, refine=refine), opened, "all")
        return next(step for step in steps if isinstance(step, Evaluation))

    refined, plain = found(True), found(False)
    assert refined.folder != plain.folder and refined.refined and not plain.refined
    assert refined.histograms is not None and plain.histograms is not None
    assert not np.array_equal(refined.histograms, plain.histograms)
