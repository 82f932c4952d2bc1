"""The subject's own colours along its edge, in tiles."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from core.imaging import tiles
from core.imaging.edge_colours import foreground
from core.imaging.tiles import enlarged
from tests.core.imaging.test_matting import disc_photo

SIZES = [(400, 400), (517, 333), (301, 299), (40, 30), (5, 3)]


def soft(size: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A photo with noise, and an alpha that is 0, 1 and between."""
    photo, alpha = disc_photo(max(size))
    alpha = np.clip((alpha - 0.2) / 0.6, 0, 1)
    return np.ascontiguousarray(photo[: size[0], : size[1]]), np.ascontiguousarray(
        alpha[: size[0], : size[1]]
    )


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("side", [32, 100, 128])
def test_tiles_give_the_colours_of_the_whole_photo_at_once(
    size: tuple[int, int], side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, alpha = soft(size)
    monkeypatch.setattr(tiles, "TILE", 10**6)
    whole = foreground(photo, alpha)
    monkeypatch.setattr(tiles, "TILE", side)
    difference = np.abs(whole.astype(int) - foreground(photo, alpha))
    assert difference.max() <= 1 and (difference > 0).mean() < 1e-4  # the order of additions differs
    assert not difference[alpha == 1].any()


def test_opaque_pixels_keep_the_photos_colour_and_the_far_background_is_black() -> None:
    photo, alpha = soft((400, 400))
    found = foreground(photo, alpha)
    assert np.array_equal(found[alpha == 1], photo[alpha == 1])
    far = cv2.dilate(alpha, np.ones((9, 9), np.uint8)) == 0
    assert far.any() and not found[far].any()


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_photo_without_an_edge_needs_no_estimation(value: float) -> None:
    photo, _ = soft((200, 150))
    found = foreground(photo, np.full((200, 150), value, np.float32))
    assert np.array_equal(found, photo if value else np.zeros_like(photo))


@pytest.mark.parametrize(("small", "large"), [((7, 5), (28, 21)), ((10, 13), (41, 53)), ((1, 1), (3, 2))])
def test_a_window_is_enlarged_as_the_whole_map_is(small: tuple[int, int], large: tuple[int, int]) -> None:
    coarse = np.random.default_rng(0).random((*small, 3), np.float32)
    whole = cv2.resize(coarse, large[::-1], interpolation=cv2.INTER_LINEAR)
    window = slice(large[0] // 3, large[0]), slice(0, large[1] // 2 + 1)
    assert np.allclose(enlarged(coarse, window, large), whole[window], atol=1e-5)
