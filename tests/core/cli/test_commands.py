"""The command line as a user calls it."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import cli
from core.cli.train import config_of
from tests.builders import LIGHT_ENCODER
from tests.processes import python


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, object]:
    """The JSON object on the last line of a successful call."""
    assert cli.main([str(a) for a in arguments]) == 0
    return json.loads(capsys.readouterr().out.strip().splitlines()[-1])


def test_train_evaluate_predict_in_processes_of_their_own(small_data: Path, tmp_path: Path) -> None:
    def python_m_core(*arguments: object) -> dict[str, object]:
        done = python("-m", "core", *arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.strip().splitlines()[-1])

    run = tmp_path / "run"
    result = python_m_core(
        "train", "--data", small_data, "--preset", "Quick look", "--encoder", LIGHT_ENCODER,
        "--epochs", 1, "--height", 64, "--width", 64, "--device", "cpu", "--out", run, "--json",
    )  # fmt: skip
    assert result["state"] == "finished" and Path(str(result["model"])) == run / "best"
    scores = python_m_core("evaluate", "--model", run / "best", "--data", small_data, "--json")
    assert scores["images"] == 2 and scores["threshold"] == 0.5
    assert {"dice_mean", "dice_pooled", "iou_mean", "iou_pooled", "miou", "pixel_accuracy"} <= set(scores)
    made = python_m_core(
        "predict", "--model", run / "best", *(small_data / "images" / f"0{i}.jpg" for i in (0, 1)),
        "--out", tmp_path / "cut", "--save", "mask,cutout,overlay", "--json",
    )  # fmt: skip
    assert len(made["written"]) == 6  # type: ignore[arg-type]
    assert Image.open(tmp_path / "cut" / "00_cutout.png").mode == "RGBA"
    assert Image.open(tmp_path / "cut" / "00_mask.png").size == (64, 96)


def test_evaluate_takes_names_and_a_threshold(
    saved_model: Path,
    small_data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = tmp_path / "names.txt"
    names.write_text("03.jpg\n05.jpg\n\n04.jpg\n")
    arguments = (
        "evaluate",
        "--model",
        saved_model,
        "--data",
        small_data,
        "--names",
        names,
        "--device",
        "cpu",
    )
    everything = call(capsys, *arguments, "--threshold", 0, "--json")
    assert everything["images"] == 3 and everything["recall"] == 1.0 and everything["threshold"] == 0
    masks = [np.asarray(Image.open(small_data / "masks" / f"0{i}.png")) > 0 for i in (3, 4, 5)]
    share = np.mean(masks)
    assert everything["dice_pooled"] == pytest.approx(2 * share / (1 + share))
    assert everything["pixel_accuracy"] == pytest.approx(share)
    assert everything["miou"] == pytest.approx(share / 2)


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "--data", "nowhere"),
        ("train",),
        ("evaluate", "--model", "nowhere", "--data", "nowhere"),
        ("predict", "--model", "nowhere", "x.jpg", "--out", "o"),
        ("data", "check", "nowhere"),
        ("data", "import", "nowhere", "--name", "n"),
    ],
)
def test_mistakes_are_one_sentence_on_stderr(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 1
    error = capsys.readouterr().err
    assert "Error: " in error and "Traceback" not in error


def test_names_that_are_not_there_are_named(
    saved_model: Path,
    small_data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "names.txt").write_text("nope.jpg\n")
    assert cli.main(["evaluate", "--model", str(saved_model), "--data", str(small_data),
                     "--names", str(tmp_path / "names.txt")]) == 1  # fmt: skip
    assert "nope.jpg" in capsys.readouterr().err


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    for command in (
        [],
        ["train"],
        ["evaluate"],
        ["predict"],
        ["data"],
        ["data", "check"],
        ["data", "import"],
    ):
        with pytest.raises(SystemExit) as ended:
            cli.main([*command, "--help"])
        assert ended.value.code == 0
        assert len(capsys.readouterr().out) > 100


def test_commands_take_the_name_that_an_import_gave(
    small_data: Path, saved_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in the README: import, then check, split and score what was imported, by its name."""
    call(capsys, "data", "import", small_data, "--name", "my photos", "--json")
    for name in ("my photos", "my-photos"):  # as it was given, and as its folder is called
        assert call(capsys, "data", "check", name, "--json")["pairs"] == 10
        assert call(capsys, "data", "split", name, "--test", "0.2", "--json")["test"] == 2
        scores = call(capsys, "evaluate", "--model", saved_model, "--data", name, "--device", "cpu", "--json")
        assert scores["images"] == 2
    assert cli.main(["data", "check", "their photos"]) == 1
    assert "neither a folder their photos nor a data set of this name" in capsys.readouterr().err


def test_training_takes_the_name_of_a_data_set(small_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    imported = call(capsys, "data", "import", small_data, "--name", "my photos", "--json")["folder"]
    args = cli.parser().parse_args(["train", "--data", "my photos", "--preset", "Quick look"])
    assert config_of(args).data == imported


def test_data_check_and_import(small_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (small_data / "masks" / "09.png").unlink()
    checked = call(capsys, "data", "check", small_data, "--json")
    assert (checked["pairs"], checked["left_out"]) == (9, 1)
    assert call(capsys, "data", "import", small_data, "--name", "n", "--json")["pairs"] == 9
