"""The command line as a user calls it, the shelf of models, and pictures."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import cli
from core.cutout_settings import Background
from core.data.photos import read_photo
from core.errors import UserError
from core.imaging import rendering
from core.imaging.matting import compose
from core.models import registry
from core.runs import plots
from core.runs.events import EpochEnd, Step
from core.system import formatting
from core.system.workspace import PROJECT
from tests.builders import LIGHT_ENCODER


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, object]:
    """The JSON object on the last line of a successful call."""
    assert cli.main([str(a) for a in arguments]) == 0
    return json.loads(capsys.readouterr().out.strip().splitlines()[-1])


def test_train_evaluate_predict_in_processes_of_their_own(small_data: Path, tmp_path: Path) -> None:
    def python_m_core(*arguments: object) -> dict[str, object]:
        done = subprocess.run(
            [sys.executable, "-m", "core", *map(str, arguments)],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )
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


def test_data_check_and_import(small_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (small_data / "masks" / "09.png").unlink()
    checked = call(capsys, "data", "check", small_data, "--json")
    assert (checked["pairs"], checked["left_out"]) == (9, 1)
    assert call(capsys, "data", "import", small_data, "--name", "n", "--json")["pairs"] == 9


@pytest.fixture
def entry(saved_model: Path) -> registry.Entry:
    return next(found for found in registry.list_models() if found.ships)


def test_a_shipped_model_is_not_deleted_from_the_shelf(entry: registry.Entry) -> None:
    with pytest.raises(UserError, match="comes with the project"):
        registry.delete(entry)
    with pytest.raises(UserError, match="characters"):
        registry.rename(entry, "   ")


def test_the_shelf_passes_over_what_is_broken(workspace: Path) -> None:
    folder = workspace / "runs" / "x" / "best"
    folder.mkdir(parents=True)
    (folder.parent / "config.json").write_text("{}")
    (folder / "config.json").write_text("{")
    (folder / "model.safetensors").write_bytes(b"")
    assert all(found.run is None for found in registry.list_models())


def test_pictures_on_a_hand_made_photo() -> None:
    photo = np.full((4, 4, 3), 100, np.uint8)
    probability = np.zeros((4, 4), np.float32)
    probability[:2] = 1.0
    mask = rendering.mask_picture(probability, 0.5)
    assert (mask[:2] == 255).all() and (mask[2:] == 0).all()
    cut = compose(photo, probability, Background(), decontaminate=False)
    assert (cut[:2, :, 3] == 255).all() and (cut[2:, :, 3] == 0).all() and (cut[..., :3] == 100).all()
    board = rendering.on_checkerboard(cut)
    assert (board[:2] == 100).all() and set(np.unique(board[2:])) <= {205, 240}
    assert rendering.foreground_share(probability, 0.5) == 0.5
    assert np.array_equal(read_photo(rendering.encode(photo)), photo)


def test_the_error_map_colours_hits_misses_and_false_alarms_apart() -> None:
    truth = np.array([[1, 1, 0, 0]], np.uint8)
    predicted = np.array([[True, False, True, False]])
    drawn = rendering.error_map(np.zeros((1, 4, 3), np.uint8), truth, predicted)[0]
    expected = [rendering.TRUE_POSITIVE, rendering.FALSE_NEGATIVE, rendering.FALSE_POSITIVE]
    for pixel, colour in zip(drawn[:3], expected, strict=True):
        assert np.abs(pixel.astype(int) - np.array(colour) * 0.7).max() < 12
    assert len({tuple(p) for p in drawn}) == 4


def test_charts_hold_every_epoch_and_at_most_so_many_steps() -> None:
    steps = [Step(1, i, 1 / i, 0.5, 0.4, 0.9, 1e-3, 9.0, 1.0, 1.0) for i in range(1, 5001)]
    epochs = [EpochEnd(e, 0.3, 0.2, 0.8, 0.7, 0.6, 0.7, 0.9, 0.8, 0.8, 9.0, True) for e in range(4)]
    for draw in (plots.loss_curve, plots.overlap_curve, plots.accuracy_curve):
        chart = draw(steps, epochs, 1000, 5)
        assert len(chart.data[0].x) <= plots.MAX_POINTS * 1.2
        assert list(chart.data[1].x) == [0, 1, 2, 3]


def test_numbers_in_words() -> None:
    assert [formatting.duration(s) for s in (0.4, 59, 75, 3599, 7300)] == [
        "0 s",
        "59 s",
        "1 min 15 s",
        "59 min",
        "2 h 1 min",
    ]
    assert formatting.percent(0.9568) == "95.7 %"
    assert formatting.plural(1, "photo") == "1 photo" and formatting.plural(1200, "photo") == "1,200 photos"
