"""PNG files that any program reads back to the same pixels."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from core.imaging.png import STRIP_BYTES, png_file

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (60, 41, 3), (33, 20, 4), (1300, 1200, 3), (700, 900, 4)])
def test_pixels_come_back_as_they_were(shape: tuple[int, ...]) -> None:
    picture = RANDOM.integers(0, 256, shape, np.uint8)
    content = png_file(picture)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(content))), picture)
    theirs = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert theirs is not None
    colours = theirs[..., [2, 1, 0, 3][: shape[2]]] if len(shape) == 3 else theirs
    assert np.array_equal(colours, picture)


def test_a_large_picture_is_several_strips_of_one_stream() -> None:
    picture = np.zeros((3000, 1000), np.uint8)
    picture[500:2500, 300:700] = 255
    content = png_file(picture)
    assert picture.size > 2 * STRIP_BYTES and content.count(b"IDAT") > 3
    assert len(content) < picture.size / 100
    with Image.open(io.BytesIO(content)) as opened:
        opened.verify()  # every checksum


def test_a_view_that_is_not_contiguous_is_written_as_it_looks() -> None:
    picture = RANDOM.integers(0, 256, (40, 30, 4), np.uint8)[::2, ::-1, :3]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png_file(picture)))), picture)
