"""What goes wrong at the command line: a sentence on standard error and, where asked for, as JSON."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import cli

Captured = pytest.CaptureFixture[str]


def fails(capsys: Captured, *arguments: object) -> tuple[int, str]:
    """The exit status, and the sentence, which both standard error and the last line's JSON hold."""
    status = cli.main([str(a) for a in arguments] + ["--json"])
    out, err = capsys.readouterr()
    answer = json.loads(out.splitlines()[-1])
    assert set(answer) == {"error"} and answer["error"] in err and "Traceback" not in err
    return status, answer["error"]


@pytest.fixture
def gif(tmp_path: Path) -> Path:
    frames = [Image.fromarray(np.full((32, 48, 3), shade, np.uint8)) for shade in (10, 200)]
    frames[0].save(tmp_path / "short.gif", save_all=True, append_images=frames[1:], duration=100)
    return tmp_path / "short.gif"


@pytest.mark.parametrize("below", [False, True])
@pytest.mark.parametrize("command", ["predict", "video", "export", "train", "data export", "csv", "check"])
def test_an_output_that_is_a_file_or_below_one_is_one_sentence(
    command: str,
    below: bool,
    small_data: Path,
    gif: Path,
    saved_model: Path,
    tmp_path: Path,
    capsys: Captured,
) -> None:
    blocked = tmp_path / "taken.mp4"
    photo = small_data / "images" / "00.png"
    if command in ("video", "data export", "csv", "check") and not below:
        blocked.mkdir()  # these write a file: what is in the way is a folder
    else:
        blocked.write_text("mine")
    out = blocked / "deep" / "x.mp4" if below else blocked
    arguments = {
        "predict": ["predict", "--model", saved_model, photo, "--out", out],
        "video": ["video", "--model", saved_model, gif, "--out", out],
        "export": ["export", "--model", saved_model, "--out", out],
        "train": ["train", "--data", small_data, "--out", out],
        "data export": ["data", "export", small_data, out],
        "csv": ["evaluate", "--model", saved_model, "--data", small_data, "--csv", out],
        "check": ["data", "check", small_data, "--csv", out],
    }[command]
    status, sentence = fails(capsys, *arguments)
    assert status == 1 and "taken.mp4" in sentence
    assert blocked.is_dir() or blocked.read_text() == "mine"


@pytest.mark.parametrize("value", ["5", "-1", "nan", "half"])
@pytest.mark.parametrize("command", ["predict", "video", "evaluate"])
def test_a_threshold_outside_0_to_1_is_refused(command: str, value: str, capsys: Captured) -> None:
    arguments = {
        "predict": ["predict", "--model", "m", "a.png", "--out", "o"],
        "video": ["video", "--model", "m", "a.gif", "--out", "o.mp4"],
        "evaluate": ["evaluate", "--model", "m", "--data", "d"],
    }[command]
    status, sentence = fails(capsys, *arguments, f"--threshold={value}")
    assert status == 2 and "a number from 0 to 1" in sentence


def test_wrong_arguments_are_json_too(capsys: Captured) -> None:
    assert fails(capsys, "predict")[0] == 2
    assert fails(capsys, "data", "export", ".")[0] == 2
    assert fails(capsys, "nonsense")[0] == 2
    assert fails(capsys, "evaluate", "--model", "nowhere", "--data", "nowhere")[0] == 1


def test_an_interruption_and_a_fault_of_ours_are_json_too(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch, small_data: Path
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    def broken(*_: object) -> None:
        raise ZeroDivisionError("by us")

    monkeypatch.setattr("core.data.dataset.open_data", interrupted)
    assert fails(capsys, "data", "check", small_data)[0] == 130
    monkeypatch.setattr("core.data.dataset.open_data", broken)
    with pytest.raises(ZeroDivisionError):
        cli.main(["data", "check", str(small_data), "--json"])
    assert json.loads(capsys.readouterr().out) == {"error": "ZeroDivisionError: by us"}


def test_without_json_standard_output_stays_empty(capsys: Captured) -> None:
    assert cli.main(["data", "check", "nowhere"]) == 1
    assert capsys.readouterr().out == ""
