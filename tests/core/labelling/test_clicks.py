from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from core.labelling import clicks as clicks_module
from core.labelling.click_model import discs
from core.labelling.clicks import segment_by_clicks
from core.labelling.prompts import Click
from core.labelling.regions import KEPT, EncodedRegions, region_of

PHOTO = np.random.default_rng(0).integers(0, 256, (400, 600, 3), dtype=np.uint8)


class Echo:
    """Answers with the discs of the positive clicks, and keeps what it was shown."""

    def __init__(self) -> None:
        self.before: list[torch.Tensor] = []
        self.encoded = 0

    def encode(self, photos: torch.Tensor) -> Any:
        self.encoded += 1
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


def test_clicks_on_one_object_encode_its_photo_once_and_its_region_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clicks_module, "with_classifier", lambda found, *_: found)
    network: Any = Echo()
    features: Any = SimpleNamespace()
    regions = EncodedRegions()
    segment_by_clicks(PHOTO, [Click(300, 200)], None, network, features, regions)
    assert network.encoded == 2
    before, clicks = blob(200, 300, 40), [Click(300, 200)]
    for x in (306, 296, 345):
        clicks.append(Click(x, 203))
        found = segment_by_clicks(PHOTO, clicks, before, network, features, regions)
        assert found[203, x] >= 0.5  # whichever region it was seen in
    assert network.encoded == 3


def test_a_region_that_is_kept_is_not_used_for_an_object_that_leaves_it_or_is_much_smaller() -> None:
    network: Any = Echo()
    regions = EncodedRegions()

    def looked_at(mask: np.ndarray) -> Any:
        wanted, least = (region_of(mask, [], (400, 600), margin) for margin in (0.25, 0.1))
        assert wanted is not None and least is not None
        seen = regions.look_at(PHOTO, wanted, least, network).region
        assert seen.holds(least) and seen.side <= 1.3 * wanted.side
        return seen

    first = looked_at(blob(200, 300, 60))
    assert looked_at(blob(202, 305, 58)) == first
    assert looked_at(blob(200, 380, 60)) != first
    assert looked_at(blob(200, 300, 30)) != first
    for row in range(60, 360, 30):
        looked_at(blob(row, 100, 30))
    assert len(regions._kept) == KEPT
