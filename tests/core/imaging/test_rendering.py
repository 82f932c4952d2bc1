"""Pictures of masks and of mistakes."""

import numpy as np

from core.cutout_settings import Background
from core.data.photos import read_photo
from core.imaging import rendering
from core.imaging.matting import compose


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
