"""The script that goes with an exported model treats photos as the app does."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.data.photos import read_photo
from core.export import predict


class Everywhere(predict.Model):
    """Finds foreground in every pixel."""

    def __init__(self, path: Path) -> None:
        self.about: dict[str, Any] = {"task": "binary", "threshold": 0.5}

    def __call__(self, photo: Image.Image) -> np.ndarray:
        return np.ones((photo.height, photo.width, 1), np.float32)


def picture(mode: str) -> Image.Image:
    values = np.random.default_rng(0).integers(0, 255, (20, 30, 4), np.uint8)
    rgba = Image.fromarray(values)
    return rgba.convert("RGB").quantize(16) if mode == "P" else rgba.convert(mode)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "RGB", "P"])
def test_it_gives_the_network_the_colours_that_the_app_gives(tmp_path: Path, mode: str) -> None:
    kept = {"transparency": 3} if mode == "P" else {}
    picture(mode).save(tmp_path / "photo.png", **kept)
    ours = np.asarray(predict.rgb(Image.open(tmp_path / "photo.png"), None))
    assert np.array_equal(ours, read_photo(tmp_path / "photo.png"))


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
