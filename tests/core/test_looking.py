"""Several looks at a photo: what they are made of, and that they join without a seam."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.imaging.components import find_parts, inner_point
from core.imaging.matting import Finish, alpha_of
from core.inference.predictor import Predictor
from core.inference.test_time_augmentation import Gaze, small_map, spans
from tests.conftest import untrained_card


class Reddish(torch.nn.Module):
    """Says of each pixel how red it is, and counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.asked += len(images)
        return images[:, :1] * 3


@pytest.fixture
def reddish() -> tuple[Predictor, Reddish]:
    network = Reddish()
    return Predictor.of(network, untrained_card()), network


def gradient(height: int, width: int) -> np.ndarray:
    """Red from left to right."""
    row = np.linspace(0, 255, width).astype(np.uint8)
    photo = np.zeros((height, width, 3), np.uint8)
    photo[..., 0] = row
    return photo


@pytest.mark.parametrize(
    "gaze",
    [Gaze(), Gaze(mirror=True), Gaze(scales=True), Gaze(pieces=2), Gaze(mirror=True, scales=True, pieces=3)],
)
def test_a_network_that_sees_pixel_by_pixel_answers_the_same_however_it_looks(
    reddish: tuple[Predictor, Reddish], gaze: Gaze
) -> None:
    predictor, network = reddish
    photo = gradient(300, 420)
    once = predictor.small_map(photo, 128)
    network.asked = 0
    found = small_map(predictor, photo, gaze, 128)
    assert network.asked == gaze.looks
    assert found.dtype == np.float32
    assert found.shape[1] == pytest.approx(once.shape[1] * gaze.pieces, abs=2)
    row = found.mean(axis=0)
    expected = np.interp(np.linspace(0, 1, len(row)), np.linspace(0, 1, once.shape[1]), once.mean(axis=0))
    assert np.abs(row - expected).max() < 0.04  # no seam, no shift


@given(st.integers(1, 3000), st.integers(1, 4))
def test_pieces_cover_a_side_from_end_to_end(length: int, pieces: int) -> None:
    found = list(spans(length, pieces))
    assert found[0][0] == 0 and found[-1][1] == length
    assert all(b > a for a, b in found)
    assert all(second[0] <= first[1] for first, second in itertools.pairwise(found))


def test_chosen_parts_are_kept_at_any_size() -> None:
    probability = np.zeros((60, 90), np.float32)
    probability[5:25, 5:35] = 1
    probability[30:55, 40:50] = 1
    probability[50:55, 40:85] = 1  # an L, whose middle is outside of it
    parts, numbers = find_parts((probability >= 0.5).astype(np.uint8))
    assert len(parts) == 2
    for part in parts:
        x, y = inner_point(part, numbers)
        assert numbers[int(y * 60), int(x * 90)] == part.number
        for size in (1, 4):
            large = probability.repeat(size, 0).repeat(size, 1)
            alpha = alpha_of(large, 0.5, Finish(keep=((x, y),)))
            assert (alpha > 0.5).sum() == part.area * size * size
