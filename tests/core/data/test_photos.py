"""Photos of every kind are read, or refused by a sentence."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data.photos import ORIENTATION_TAG, photo_size, read_photo
from core.errors import UserError
from tests.core.data.small_pictures import RGB, saved


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_to_photos(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    path = saved(Image.fromarray(RGB), tmp_path / "p.png", exif=exif)
    photo = read_photo(path)
    assert photo.shape[:2] == photo_size(path) == ((6, 4) if orientation < 5 else (4, 6))
    red = np.argwhere(photo[..., 0] > 200)
    corners = {1: (0, 0), 2: (0, 1), 3: (1, 1), 4: (1, 0), 5: (0, 0), 6: (0, 1), 7: (1, 1), 8: (1, 0)}
    centre = red.mean(axis=0) / (np.array(photo.shape[:2]) - 1)
    assert tuple((centre > 0.5).astype(int)) == corners[orientation]


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "CMYK", "RGBA", "LA", "1", "I;16"])
def test_every_colour_mode_reads_as_rgb(tmp_path: Path, mode: str) -> None:
    grey = Image.fromarray(np.full((5, 7), 200, np.uint8))
    if mode == "I;16":
        picture = Image.fromarray(np.full((5, 7), 200 * 257, np.uint16))
    else:
        picture = grey.convert("RGB").convert(mode)
    path = saved(picture, tmp_path / ("p.tif" if mode == "CMYK" else "p.png"))
    photo = read_photo(path)
    assert (photo.shape, photo.dtype) == ((5, 7, 3), np.uint8)
    assert abs(int(photo.mean()) - (255 if mode == "1" else 200)) <= 2 or mode == "1"


def test_transparent_parts_of_a_photo_become_white() -> None:
    rgba = np.zeros((2, 2, 4), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(rgba).save(stream, "PNG")
    assert (read_photo(stream.getvalue()) == 255).all()


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\xff\xd8\xff\xe0" + b"\0" * 40])
def test_no_picture_is_one_sentence(content: bytes) -> None:
    with pytest.raises(UserError, match=r"bad\.jpg"):
        read_photo(content, "bad.jpg")


def test_a_truncated_photo_is_one_sentence(tmp_path: Path) -> None:
    path = saved(
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 90, 3), np.uint8)), tmp_path / "t.jpg"
    )
    path.write_bytes(path.read_bytes()[:-900])
    with pytest.raises(UserError, match=r"t\.jpg is damaged"):
        read_photo(path)


def test_a_decompression_bomb_is_refused_before_it_is_decoded() -> None:
    stream = io.BytesIO()
    Image.new("1", (30_000, 20_000)).save(stream, "PNG")
    with pytest.raises(UserError, match="megapixels"):
        read_photo(stream.getvalue(), "bomb.png")


def test_heic_photos_of_phones_are_read(tmp_path: Path) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    path = saved(Image.fromarray(np.full((64, 64, 3), 90, np.uint8)), tmp_path / "p.heic")
    assert abs(int(read_photo(path).mean()) - 90) < 4
