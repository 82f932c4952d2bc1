from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from core.labelling.click_model import discs
from core.labelling.clicks import region_of, segment_by_clicks
from core.labelling.prompts import Click

PHOTO = np.random.default_rng(0).integers(0, 256, (400, 600, 3), dtype=np.uint8)


class Echo:
    """Answers with the discs of the positive clicks, and keeps what it was shown."""

    def __init__(self) -> None:
        self.before: list[torch.Tensor] = []

    def encode(self, photos: torch.Tensor) -> Any:
        assert photos.dtype == torch.uint8 and photos.shape[2] % 32 == 0 and photos.shape[3] % 32 == 0
        return SimpleNamespace()

    def decode(self, photos: object, clicks: Sequence[Sequence[Click]], before: torch.Tensor) -> torch.Tensor:
        self.before.append(before)
        found = discs(clicks[0], (before.shape[2], before.shape[3]))[0]
        return torch.from_numpy(found * 20 - 10)[None, None]


def blob(row: int, column: int, radius: int = 30) -> np.ndarray:
    y, x = np.mgrid[:400, :600]
    return ((y - row) ** 2 + (x - column) ** 2 < radius**2).astype(np.float32)


@pytest.mark.parametrize("before", [None, blob(300, 500), blob(200, 300, 190)])
def test_the_network_is_shown_each_click_where_it_is(before: np.ndarray | None) -> None:
    network: Any = Echo()
    found = segment_by_clicks(PHOTO, [Click(500.5, 300.5), Click(470, 310, positive=False)], before, network)
    assert found.shape == (400, 600)
    rows, columns = np.nonzero(found >= 0.5)
    assert abs(rows.mean() - 300) < 3 and abs(columns.mean() - 500) < 3


def test_zooming_in_shows_the_object_larger_and_keeps_what_is_elsewhere() -> None:
    network: Any = Echo()
    before = blob(300, 500)
    before[10, 10] = 0.3
    found = segment_by_clicks(PHOTO, [Click(500, 300)], before, network)
    assert (network.before[0] > 0.5).float().mean() > 0.2
    assert (before > 0.5).mean() < 0.02
    assert found[10, 10] == np.float32(0.3)


def test_a_region_holds_the_object_and_every_click() -> None:
    clicks = [Click(500, 300), Click(420, 360, positive=False)]
    region = region_of(blob(300, 500), clicks, (400, 600))
    assert region is not None
    assert region.left < 420 and region.right > 530 and region.top < 270 and region.bottom > 360
    assert region_of(None, clicks, (400, 600)) is None
    assert region_of(np.zeros((400, 600), np.float32), clicks, (400, 600)) is None
    assert region_of(blob(200, 300, 250), clicks, (400, 600)) is None
