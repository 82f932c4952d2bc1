"""The script that goes with an exported model gives the pixels of the app, whatever the photo is."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from core.cutout_settings import CutOutSettings
from core.data.photos import read_photo
from core.export import predict
from core.export.file_metadata import metadata
from core.inference.cutout import cut_out
from core.inference.predictor import Predictor
from core.models.card import ModelCard
from core.models.window import Window
from tests.builders import in_fp32, untrained_card

CARD = replace(untrained_card(), threshold=0.4)


class Reddish(torch.nn.Module):
    """Says of each pixel how red it is."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images[:, :1] * 3


class Scripted(predict.Model):
    """The script with the same network in the place of an ONNX file, of a fixed size where one is given."""

    network: torch.nn.Module = Reddish()

    def __init__(self, size: tuple[int, int] | None = None, card: ModelCard = CARD) -> None:
        self.about = metadata(card) | {"size": list(size) if size else None}
        self.seen: list[tuple[int, ...]] = []
        inputs = [SimpleNamespace(name="images")]
        self.session: Any = SimpleNamespace(get_inputs=lambda: inputs, run=self.run)

    def run(self, outputs: None, given: dict[str, np.ndarray]) -> list[np.ndarray]:
        self.seen.append(given["images"].shape)
        with torch.no_grad():
            return [self.network(torch.from_numpy(given["images"])).numpy()]


class Blurred(torch.nn.Module):
    """Says how red the neighbourhood of each pixel is, so that a window's edges tell."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.avg_pool2d(images[:, :1] * 3, 15, stride=1, padding=7)


class Everywhere(predict.Model):
    """Finds foreground in every pixel."""

    def __init__(self, path: Path) -> None:
        self.about: dict[str, Any] = {"task": "binary", "threshold": 0.5}

    def __call__(self, photo: np.ndarray, refined: bool | None = None) -> np.ndarray:
        return np.ones((*photo.shape[:2], 1), np.float32)


def picture(mode: str) -> Image.Image:
    values = np.random.default_rng(0).integers(0, 255, (20, 30, 4), np.uint8)
    rgba = Image.fromarray(values)
    return rgba.convert("RGB").quantize(16) if mode == "P" else rgba.convert(mode)


def wide(kind: type[np.generic], channels: int = 1) -> np.ndarray:
    values = np.random.default_rng(1).integers(0, 4096, (20, 30, channels)).astype(kind)
    return values[..., 0] if channels == 1 else values


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def write(kind: str, folder: Path) -> Path:
    """A photo of 30x20 pixels of this kind."""
    file = folder / f"photo.{kind.rsplit(maxsplit=1)[-1]}"
    match kind.split()[:-1]:
        case ["16-bit", "grey"]:
            Image.fromarray(wide(np.uint16)).save(file)
        case ["32-bit", "float"]:
            Image.fromarray(wide(np.float32) / 4096).save(file)
        case ["16-bit", "RGB"]:
            cv2.imwrite(str(file), wide(np.uint16, 3) * 16)
        case ["turned"]:
            picture("RGB").save(file, exif=turned())
        case ["animated"]:
            frames = [picture("RGB"), picture("RGB").rotate(180)]
            frames[0].save(file, save_all=True, append_images=frames[1:], duration=100)
        case ["transparent", "P"]:
            picture("P").save(file, transparency=3)
        case [mode]:
            picture(mode).save(file)
    return file


KINDS = [
    "RGB png", "RGBA png", "LA png", "L png", "1 png", "P png", "transparent P png", "transparent P gif",
    "RGB jpg", "CMYK jpg", "CMYK tif", "RGBA webp", "RGBA tif", "16-bit grey png", "16-bit grey tif",
    "16-bit RGB png", "32-bit float tif", "turned jpg", "turned png", "turned tif", "animated gif",
    "animated webp", "animated png",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_photo_has_the_pixels_and_the_mask_of_the_app(tmp_path: Path, kind: str) -> None:
    file = write(kind, tmp_path)
    ours = read_photo(file)
    theirs = predict.read(file)
    assert np.array_equal(theirs, ours)
    model = Scripted()
    expected = cut_out(ours, Predictor.of(Reddish(), CARD)).mask
    assert (model.mask(model(theirs)) == expected).mean() > 0.99


def test_values_of_more_than_8_bits_have_the_models_range(tmp_path: Path) -> None:
    file = write("16-bit grey png", tmp_path)
    expected = read_photo(file, value_range=(0.0, 4095.0))
    assert np.array_equal(predict.read(file, [0.0, 4095.0]), expected)


def scene(height: int, width: int) -> np.ndarray:
    """Red discs on blue, with noise."""
    y, x = np.mgrid[:height, :width]
    inside = (y - height / 2) ** 2 + (x - width / 3) ** 2 < (min(height, width) / 3) ** 2
    photo = np.where(inside[..., None], (220, 60, 40), (30, 60, 200))
    noise = np.random.default_rng(2).normal(0, 12, photo.shape)
    return np.clip(photo + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("refined", [True, False])
@pytest.mark.parametrize("size", [(400, 640), (333, 217), (60, 45), (96, 96), (500, 31)])
def test_probabilities_are_those_of_the_app(size: tuple[int, int], refined: bool) -> None:
    photo, predictor = scene(*size), Predictor.of(Reddish(), CARD)
    expected = cut_out(photo, predictor, CutOutSettings(refine_edges=refined))
    model = Scripted()
    found = model(photo, refined)
    assert found.shape == (*size, 1)
    assert np.abs(alpha(found) - expected.alpha).mean() < 0.003
    assert ((model.mask(found) > 0) == (expected.mask > 0)).mean() > 0.999


def test_edges_are_refined_if_the_model_says_so() -> None:
    photo, plain = scene(120, 90), Scripted(card=replace(CARD, refine_edges=False))
    assert np.array_equal(plain(photo), plain(photo, False))
    assert not np.array_equal(plain(photo), plain(photo, True))
    assert np.array_equal(Scripted()(photo), Scripted()(photo, True))


def alpha(scores: np.ndarray) -> np.ndarray:
    return np.clip((scores[..., 0] - CARD.threshold + 0.15) / 0.3, 0, 1)


@pytest.mark.parametrize("size", [(100, 200), (200, 100), (96, 64), (20, 300)])
def test_a_network_of_one_size_sees_photos_in_their_own_shape(size: tuple[int, int]) -> None:
    photo, model = scene(*size), Scripted((96, 64))
    pixels, inner = model.fitted(photo)
    assert pixels.shape == (96, 64, 3)
    assert inner[0] / inner[1] == pytest.approx(size[0] / size[1], rel=0.12)
    assert inner[0] == 96 or inner[1] == 64
    assert model(photo).shape == (*size, 1)
    expected = cut_out(photo, Predictor.of(Reddish(), CARD)).mask > 0
    assert ((model.mask(model(photo)) > 0) == expected).mean() > 0.97


@pytest.mark.parametrize("long_side", [0, 150])
@pytest.mark.parametrize("size", [(200, 310), (64, 170), (90, 40), (33, 31)])
def test_windows_are_those_of_the_app(size: tuple[int, int], long_side: int) -> None:
    card = replace(CARD, long_side=long_side, window=Window(96, 64))
    photo, model = scene(*size), Scripted(card=card)
    model.network = Blurred()
    predictor = Predictor.of(Blurred(), card)
    in_fp32(predictor)
    assert np.abs(model(photo, refined=False)[..., 0] - predictor(photo)).max() < (
        2e-5 if not long_side else 0.02
    )


@pytest.mark.parametrize("size", [(200, 310), (64, 170), (33, 31)])
def test_a_network_of_one_size_sees_whole_windows(size: tuple[int, int]) -> None:
    model = Scripted((96, 64), replace(CARD, long_side=0, window=Window(96, 64)))
    assert model(scene(*size)).shape == (*size, 1)
    assert set(model.seen) == {(1, 3, 96, 64)}


def test_a_damaged_photo_is_named_and_the_others_are_predicted_each_into_its_own_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["a/cat.png", "a/cut.png", "b/cat.png", "b/" + "ö" * 120 + ".png"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        picture("RGB").save(tmp_path / name)
    (tmp_path / "a/cut.png").write_bytes((tmp_path / "a/cat.png").read_bytes()[:300])
    given = [str(tmp_path / name) for name in names]
    monkeypatch.setattr(predict, "Model", Everywhere)
    monkeypatch.setattr("sys.argv", ["predict.py", *given, "--out", str(tmp_path / "out")])
    assert predict.main() == 1
    assert "cut.png" in capsys.readouterr().err
    made = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert made == ["cat-2_mask.png", "cat_mask.png", "ö" * 100 + "_mask.png"]
