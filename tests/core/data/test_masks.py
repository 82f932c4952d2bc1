"""What the values of a mask mean."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data.masks import encoding_for_values, mask_values, resize_mask, same_shape
from core.data.photos import ORIENTATION_TAG, read_photo
from core.data.tally import guess_encoding
from tests.core.data.small_pictures import MASK, RGB, saved


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_mask_kept_as_the_camera_held_it_is_turned_with_its_photo(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    photo = saved(Image.fromarray(RGB), tmp_path / "p.png", exif=exif)
    mask = saved(Image.fromarray(MASK * np.uint8(255)), tmp_path / "m.png")
    values = mask_values(mask, photo)
    if orientation in (5, 6, 7, 8):  # elsewhere the shapes cannot tell how the mask was stored
        assert np.array_equal(values > 0, read_photo(photo)[..., 0] > 200)
    own = saved(Image.fromarray(MASK * np.uint8(255)), tmp_path / "own.png", exif=exif)
    assert np.array_equal(mask_values(own, photo) > 0, read_photo(photo)[..., 0] > 200)


@pytest.mark.parametrize(
    ("values", "foreground"),
    [
        ({0: 9, 1: 9}, {1}),
        ({0: 9, 255: 9}, {255}),
        ({0: 9, 1: 1, 2: 1, 3: 1}, {1, 2, 3}),
        ({0: 9, 1: 50, 15: 50, 255: 4}, {1, 15}),
        ({0: 9, 1: 2, 254: 2, 255: 90}, {254, 255}),
        ({0: 9, 100: 3, 128: 2, 255: 90}, {128, 255}),
        ({0: 9, 200: 9}, {200}),
        ({0: 9, 1000: 3, 2000: 3}, {1000, 2000}),
        ({0: 9}, set()),
    ],
)
def test_what_mask_values_mean(values: dict[int, int], foreground: set[int]) -> None:
    encoding = encoding_for_values(values)
    listed = np.array(sorted(values), np.int32)
    assert set(listed[encoding.foreground(listed) == 1].tolist()) == foreground


@pytest.mark.parametrize(
    "kind", ["0/1", "0/255", "ids", "1 bit", "palette", "grey palette", "RGB", "colour", "RGBA", "16 bit"]
)
def test_masks_of_every_kind_give_the_same_foreground(tmp_path: Path, kind: str) -> None:
    if kind == "palette":
        picture = Image.fromarray(MASK * np.uint8(15)).convert("P")
        picture.putpalette([0, 0, 0, *[9, 9, 9] * 14, 192, 128, 0])
        picture = Image.frombytes("P", (4, 6), (MASK * np.uint8(15)).tobytes())
        picture.putpalette([0, 0, 0, *[64, 0, 0] * 14, 192, 128, 0])
    elif kind == "grey palette":  # index 0 is white: the index alone would read inverted
        picture = Image.frombytes("P", (4, 6), (1 - MASK).tobytes())
        picture.putpalette([255, 255, 255, 0, 0, 0])
    elif kind == "RGBA":
        picture = Image.fromarray(np.dstack([RGB, MASK * np.uint8(255)]))
    else:
        picture = {
            "0/1": Image.fromarray(MASK),
            "0/255": Image.fromarray(MASK * np.uint8(255)),
            "ids": Image.fromarray(MASK * np.arange(1, 5, dtype=np.uint8)),
            "1 bit": Image.fromarray(MASK * np.uint8(255)).convert("1"),
            "RGB": Image.fromarray(np.dstack([MASK * np.uint8(255)] * 3)),
            "colour": Image.fromarray(np.dstack([MASK * np.uint8(c) for c in (0, 0, 142)])),
            "16 bit": Image.fromarray(MASK.astype(np.uint16) * 24_001),
        }[kind]
    path = saved(picture, tmp_path / "m.png")
    encoding = guess_encoding([path])
    assert np.array_equal(encoding.foreground(mask_values(path)), MASK), encoding


def test_lossy_masks_are_read_at_half_their_range(tmp_path: Path) -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[16:48, 16:48] = 255
    path = saved(Image.fromarray(mask), tmp_path / "m.jpg", quality=40)
    got = guess_encoding([path]).foreground(mask_values(path))
    assert (got != (mask > 0)).mean() < 0.01


def test_the_meaning_is_that_of_the_whole_data_set_not_of_one_file(tmp_path: Path) -> None:
    full = saved(Image.fromarray(np.ones((2, 2), np.uint8)), tmp_path / "full.png")
    other = saved(Image.fromarray(np.array([[0, 255]] * 9, np.uint8)), tmp_path / "other.png")
    encoding = guess_encoding([full, other])
    assert not encoding.foreground(mask_values(full)).any()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [((480, 640), (240, 320), True), ((789, 1184), (408, 613), True), ((480, 640), (640, 480), False),
     ((100, 100), (100, 103), False), ((333, 500), (167, 250), True)],
)  # fmt: skip
def test_same_shape_forgives_rounding_and_nothing_else(
    one: tuple[int, int], other: tuple[int, int], same: bool
) -> None:
    assert same_shape(one, other) is same


def test_shrinking_a_mask_keeps_its_area() -> None:
    mask = np.zeros((100, 100), np.uint8)
    mask[20:60, 10:90] = 1
    assert resize_mask(mask, (50, 50)).mean() == pytest.approx(mask.mean(), abs=0.01)
    assert np.array_equal(resize_mask(resize_mask(mask, (200, 200)), (100, 100)), mask)
