"""Where windows stand, and what a card may say of them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UserError
from core.models.card import ModelCard, card_text
from core.models.window import Window
from tests.builders import untrained_card

SIDES = st.integers(1, 10).map(lambda n: 32 * n)


@given(SIDES, SIDES, st.floats(0, 0.75), st.integers(1, 2000), st.integers(1, 2000))
def test_windows_cover_a_photo_and_overlap_at_least_as_said(
    high: int, wide: int, overlap: float, height: int, width: int
) -> None:
    window = Window(high, wide, overlap)
    for starts, length, side in zip(window.places(height, width), (height, width), (high, wide), strict=True):
        assert starts[0] == 0
        assert starts[-1] + side >= length
        assert length <= side or starts[-1] + side == length
        steps = np.diff(starts)
        assert (steps > 0).all()
        assert (steps <= side * (1 - overlap) + 1).all()  # whole pixels


def test_a_card_keeps_its_window_and_older_cards_have_none() -> None:
    card = replace(untrained_card(), window=Window(128, 96, 0.25), long_side=0)
    assert ModelCard.from_dict(card.to_dict()) == card
    older = untrained_card().to_dict()
    del older["window"]
    assert ModelCard.from_dict(older).window is None
    assert "windows of 96 x 128 px of the photo at its own size, overlapping by 25 %" in card_text(card)


@pytest.mark.parametrize(
    "window",
    [
        {"height": 0, "width": 64, "overlap": 0.5},
        {"height": 33, "width": 64, "overlap": 0.5},
        {"height": 64, "width": 10**6, "overlap": 0.5},
        {"height": 64, "width": 64, "overlap": 0.99},
        {"height": 64, "width": 64, "overlap": float("nan")},
        {"height": 64},
        "all",
        7,
    ],
)
def test_a_card_from_elsewhere_cannot_ask_for_any_window(window: object) -> None:
    with pytest.raises(UserError, match=r"studio\.json cannot be read"):
        ModelCard.from_dict({**untrained_card().to_dict(), "window": window})
