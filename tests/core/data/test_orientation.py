"""Photos and masks with every EXIF orientation in every format lie on each other."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import checks
from core.data.checks import Report
from core.data.dataset import open_data
from core.data.importing.copying import Imported, import_data
from core.data.masks import mask_values
from core.data.photos import ORIENTATION_TAG, photo_size, read_photo
from core.data.store import read_pair

# How to store an upright picture so that this orientation makes it upright. Source: EXIF 2.32, tag 274.
STORED = {1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
          4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90,
          7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270}  # fmt: skip
TURNED = [turn for turn in STORED if turn != 1]
# A mask without a tag that is stored like a photo that is merely mirrored cannot be told from an upright one.
FORMS = [(form, turn) for form in ("tagged alike", "upright") for turn in TURNED]
FORMS += [("as the camera held it", turn) for turn in (5, 6, 7, 8)]


def upright(height: int = 64, width: int = 48) -> Image.Image:
    mask = np.zeros((height, width), np.uint8)
    mask[:16, :32] = 255
    return Image.fromarray(mask)


def save(picture: Image.Image, path: Path, turn: int, tagged: bool = True) -> None:
    way = STORED[turn]
    exif = Image.Exif()
    if tagged and turn != 1:
        exif[ORIENTATION_TAG] = turn
    path.parent.mkdir(parents=True, exist_ok=True)
    (picture.transpose(way) if way is not None else picture).save(path, exif=exif, quality=100)


def pair(root: Path, photo: str, mask: str, turn: int, tagged: bool, side: int = 64) -> None:
    """Two pairs of a photo that is turned, and a mask stored alike (with or without a tag) or upright."""
    for stem in "ab":
        save(upright(side).convert("RGB"), root / "images" / f"{stem}{photo}", turn)
        save(upright(side), root / "masks" / f"{stem}{mask}", turn, tagged)


@pytest.mark.parametrize("turn", STORED)
@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "I;16"])
def test_tiffs_that_pillow_would_map_into_memory_are_upright(tmp_path: Path, mode: str, turn: int) -> None:
    grey = np.asarray(upright()) > 0
    picture = Image.fromarray(grey.astype(np.uint16)) if mode == "I;16" else upright().convert(mode)
    save(picture, tmp_path / "one.tif", turn)
    assert photo_size(tmp_path / "one.tif") == read_photo(tmp_path / "one.tif").shape[:2] == (64, 48)
    values = mask_values(tmp_path / "one.tif")
    assert values.shape == (64, 48) and np.array_equal(values > values[-1, -1], grey)


@pytest.mark.parametrize("turn", STORED)
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".tiff", ".bmp"])
def test_sizes_and_pixels_are_upright(tmp_path: Path, suffix: str, turn: int) -> None:
    turn = 1 if suffix == ".bmp" else turn
    save(upright().convert("RGB"), tmp_path / f"photo{suffix}", turn)
    photo = read_photo(tmp_path / f"photo{suffix}")
    assert photo_size(tmp_path / f"photo{suffix}") == photo.shape[:2] == (64, 48)
    assert np.abs(photo[..., 0].astype(int) - np.asarray(upright())).mean() < 4
    values = mask_values(tmp_path / f"photo{suffix}")
    assert np.mean((values >= 128) == (np.asarray(upright()) > 0)) > 0.99


@pytest.mark.parametrize(("form", "turn"), FORMS)
@pytest.mark.parametrize("photo", [".jpg", ".png", ".tif"])
@pytest.mark.parametrize("mask", [".png", ".tif"])
def test_a_mask_lies_on_its_photo(tmp_path: Path, form: str, turn: int, photo: str, mask: str) -> None:
    pair(tmp_path, photo, mask, turn, form == "tagged alike")
    if form == "upright":
        for stem in "ab":
            save(upright(), tmp_path / "masks" / f"{stem}{mask}", 1)
    data = open_data(tmp_path)
    seen, labels = read_pair(data.pairs[0], data.encoding)
    assert seen.shape[:2] == labels.shape and np.mean((seen[..., 0] > 128) == labels) > 0.99
    report = next(step for step in checks.check(data) if isinstance(step, Report))
    assert list(report.table["problem"]) == ["", ""]
    assert ("turned" in report.table["findings"][0]) == (form == "upright" and turn in (2, 3, 4))


@pytest.mark.parametrize("photo", [".jpg", ".tif"])
@pytest.mark.parametrize("turn", TURNED)
def test_what_cannot_be_decided_is_a_finding(tmp_path: Path, photo: str, turn: int) -> None:
    pair(tmp_path, photo, ".png", turn, tagged=False, side=48)  # square: its shape says nothing
    report = next(step for step in checks.check(open_data(tmp_path)) if isinstance(step, Report))
    assert report.summary()["findings"]["turned"] == 2


@pytest.mark.parametrize("turn", [3, 6, 8])
@pytest.mark.parametrize("photo", [".jpg", ".png", ".tif"])
def test_an_import_keeps_photo_and_mask_on_each_other(tmp_path: Path, photo: str, turn: int) -> None:
    pair(tmp_path / "from", photo, ".png", turn, tagged=turn == 3)
    steps = import_data(tmp_path / "from", "mine")
    data = next(step for step in steps if isinstance(step, Imported)).data
    seen, labels = read_pair(data.pairs[0], data.encoding)
    assert seen.shape == (64, 48, 3) and np.mean((seen[..., 0] > 128) == labels) > 0.99


@pytest.mark.parametrize("turn", [6, 8])
def test_an_import_keeps_grey_values_of_16_bits_on_their_mask(tmp_path: Path, turn: int) -> None:
    pair(tmp_path / "from", ".png", ".png", turn, tagged=False)
    for stem in "ab":
        (tmp_path / "from" / "images" / f"{stem}.png").unlink()
        deep = Image.fromarray(np.asarray(upright()).astype(np.uint16) * 257)
        save(deep, tmp_path / "from" / "images" / f"{stem}.tif", turn)
    data = next(step for step in import_data(tmp_path / "from", "mine") if isinstance(step, Imported)).data
    seen, labels = read_pair(data.pairs[0], data.encoding)
    assert seen.shape == (64, 48, 3) and np.array_equal(seen[..., 0] > 128, labels)
