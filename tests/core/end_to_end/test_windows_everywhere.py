"""A model that predicts in windows gives the same mask whoever asks: the command line, REST, a frame of a
video, and the Segment page."""

import io
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from core import cli
from core.cutout_settings import CutOutSettings
from core.data.photos import read_photo
from core.data.samples import sample_bytes
from core.export.trial import _milliseconds
from core.inference.cutout import cut_out
from core.inference.predictor import Predictor
from core.inference.shown import predicted
from core.inference.video import Treated
from core.models.card import read_card, write_card
from core.models.window import Window
from core.server import rest

SIZE = (150, 210)


@pytest.fixture(scope="module")
def content() -> bytes:
    photo = Image.open(io.BytesIO(sample_bytes("Astronaut"))).convert("RGB").resize(SIZE[::-1])
    stream = io.BytesIO()
    photo.save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def model(saved_model: Path, content: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The untrained model with a window, and a threshold that cuts the photo in half."""
    folder = tmp_path_factory.mktemp("windows") / "best"
    shutil.copytree(saved_model, folder)
    write_card(folder, replace(read_card(folder), window=Window(64, 96), long_side=0))
    middle = float(np.median(Predictor(folder, "cpu")(read_photo(content))))
    write_card(folder, replace(read_card(folder), threshold=middle))
    return folder


@pytest.fixture(scope="module")
def mask(model: Path, content: bytes) -> np.ndarray:
    found = cut_out(read_photo(content), Predictor(model, "cpu")).mask
    assert 0.3 < (found > 0).mean() < 0.7
    return found


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)))


def test_the_command_line(model: Path, content: bytes, mask: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(content)
    words = [
        "predict",
        str(tmp_path / "a.png"),
        "--model",
        str(model),
        "--out",
        str(tmp_path),
        "--device",
        "cpu",
    ]
    assert cli.main([*words, "--save", "mask"]) == 0
    assert np.array_equal(pixels((tmp_path / "a_mask.png").read_bytes()), mask)


def test_rest(model: Path, content: bytes, mask: np.ndarray) -> None:
    with TestClient(rest.api(model), "http://localhost") as client:
        assert np.array_equal(pixels(client.post("/segment?result=mask", content=content).content), mask)


def test_a_frame_of_a_video(model: Path, content: bytes, mask: np.ndarray) -> None:
    frame = Treated(Predictor(model, "cpu"), CutOutSettings())(read_photo(content))
    assert ((frame[..., 3] >= 128) == (mask > 0)).mean() > 0.999


def test_the_segment_page_shows_the_prediction_of_the_full_photo_at_its_own_size(
    model: Path, content: bytes
) -> None:
    predictor, photo = Predictor(model, "cpu"), read_photo(content)
    shown, small, labels = predicted(photo, predictor, CutOutSettings(), side=105)
    assert labels is None and small is not None
    assert shown.shape == (75, 105, 3) and small.shape == (75, 105)
    halves = predictor(photo).reshape(75, 2, 105, 2).mean(axis=(1, 3))
    assert np.abs(small - halves).max() < 1e-5


def test_int8_is_calibrated_on_windows(model: Path, content: bytes) -> None:
    predictor = Predictor(model, "cpu")
    assert predictor.network_input(read_photo(content)).shape == (1, 3, 64, 96)
    assert predictor.network_input(read_photo(content)[:40, :50]).shape == (1, 3, 64, 64)
    assert min(_milliseconds(predictor, predictor, read_photo(content))) > 0
