"""The click model that ships: small enough, and good at what it was made for."""

import json
from functools import partial

import numpy as np
import pytest

from core.data import demo
from core.labelling.click_model import CARD, SHIPPED, ClickNet
from core.labelling.clicks import segment_by_clicks, shipped_model
from core.labelling.prompts import Click
from core.labelling.simulation import simulate
from core.models.card import is_model


@pytest.fixture(scope="module")
def model() -> ClickNet:
    return shipped_model()


def test_it_is_at_most_25_megabytes_and_no_model_to_predict_with() -> None:
    assert sum(file.stat().st_size for file in SHIPPED.iterdir()) <= 25e6
    assert not is_model(SHIPPED)
    assert json.loads((SHIPPED / CARD).read_text())["scores"]


def test_a_few_clicks_find_a_drawn_figure(model: ClickNet) -> None:
    dice = []
    for seed in range(2):
        photo, mask = demo.draw_scene(seed, 320, 256)
        trace = simulate(mask == 1, partial(segment_by_clicks, photo, model=model), most=4)
        dice.append(trace.dice_after(4))
    assert np.mean(dice) > 0.7, dice


def test_corrections_are_followed(model: ClickNet) -> None:
    """Two discs of one kind: one is clicked, the other is rejected by a negative click."""
    y, x = np.mgrid[:160, :256]
    photo = np.full((160, 256, 3), (70, 120, 80), np.uint8)
    for left in (70, 186):
        photo[(y - 80) ** 2 + (x - left) ** 2 < 40**2] = (200, 70, 60)
    clicks = [Click(70, 80), Click(186, 80, positive=False)]
    found = segment_by_clicks(photo, clicks, segment_by_clicks(photo, clicks[:1], None, model), model)
    assert found[80, 70] >= 0.5 and (found[:, 140:] >= 0.5).mean() < 0.05
