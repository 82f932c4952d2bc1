"""Test-time augmentation: how many passes it takes, and that tiles join without a seam."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.cutout_settings import CutOutSettings
from core.imaging.components import find_components, inner_point
from core.imaging.matting import alpha_of
from core.inference.predictor import Predictor
from core.inference.test_time_augmentation import probability_map, spans
from tests.builders import untrained_card


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
    "augmentation",
    [{}, {"flip": True}, {"scales": True}, {"tiles": 2}, {"flip": True, "scales": True, "tiles": 3}],
)
def test_a_network_that_judges_pixel_by_pixel_answers_the_same_under_any_augmentation(
    reddish: tuple[Predictor, Reddish], augmentation: dict[str, Any]
) -> None:
    predictor, network = reddish
    settings = CutOutSettings(long_side=128, **augmentation)
    photo = gradient(300, 420)
    once = predictor.small_map(photo, 128)
    network.asked = 0
    found = probability_map(photo, predictor, settings)
    assert network.asked == settings.passes
    assert found.dtype == np.float32
    assert found.shape[1] == pytest.approx(once.shape[1] * settings.tiles, abs=2)
    row = found.mean(axis=0)
    expected = np.interp(np.linspace(0, 1, len(row)), np.linspace(0, 1, once.shape[1]), once.mean(axis=0))
    assert np.abs(row - expected).max() < 0.04  # no seam, no shift


@given(st.integers(1, 3000), st.integers(1, 4))
def test_tiles_cover_a_side_from_end_to_end(length: int, tiles: int) -> None:
    found = list(spans(length, tiles))
    assert found[0][0] == 0 and found[-1][1] == length
    assert all(b > a for a, b in found)
    assert all(second[0] <= first[1] for first, second in itertools.pairwise(found))


def test_chosen_components_are_kept_at_any_size() -> None:
    probability = np.zeros((60, 90), np.float32)
    probability[5:25, 5:35] = 1
    probability[30:55, 40:50] = 1
    probability[50:55, 40:85] = 1  # an L, whose middle is outside of it
    components, numbers = find_components((probability >= 0.5).astype(np.uint8))
    assert len(components) == 2
    for component in components:
        x, y = inner_point(component, numbers)
        assert numbers[int(y * 60), int(x * 90)] == component.number
        for size in (1, 4):
            large = probability.repeat(size, 0).repeat(size, 1)
            alpha = alpha_of(large, 0.5, CutOutSettings(keep=((x, y),)))
            assert (alpha > 0.5).sum() == component.area * size * size
