"""A prediction in windows costs what its network sees."""

import io
import math
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from core.cutout_settings import CutOutSettings
from core.data.photos import photo_cost
from core.inference.clips import Clip, clip_cost
from core.inference.price import WINDOW_PIXELS, clip_price, passes, photo_price
from core.inference.test_time_augmentation import probability_map
from core.models.window import Window
from core.task import Task
from tests.builders import untrained_card
from tests.core.inference.test_sliding_window import Channels, Counted, photo_of, predictor_of

PLAIN = untrained_card()
CARD = replace(PLAIN, window=Window(64, 96), long_side=0)
EVERY = (
    CutOutSettings(), CutOutSettings(flip=True), CutOutSettings(scales=True, flip=True),
    CutOutSettings(tiles=3), CutOutSettings(long_side=100, scales=True),
)  # fmt: skip


def png(height: int, width: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.zeros((height, width), np.uint8)).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize("settings", EVERY)
@pytest.mark.parametrize("size", [(150, 333), (64, 96), (30, 200)])
def test_as_many_forward_passes_are_made_as_are_charged(
    settings: CutOutSettings, size: tuple[int, int]
) -> None:
    network = Counted(Channels(1))
    found = probability_map(photo_of(*size), predictor_of(network, CARD.window, Task()), settings)
    assert sum(shape[0] for shape in network.seen) == passes(CARD, settings, *size)
    scale = 100 / max(size) if settings.long_side else 1.0
    assert found.shape == (round(size[0] * scale), round(size[1] * scale))


def test_a_large_photo_is_charged_for_its_windows_and_a_small_one_as_ever() -> None:
    few, many = png(64, 96), png(3000, 4000)
    assert photo_price(few, "a", CARD, CutOutSettings()) == 1
    seen = CARD.window.count(3000, 4000) * 64 * 96  # type: ignore[union-attr]
    assert photo_price(many, "a", CARD, CutOutSettings()) == math.ceil(seen / WINDOW_PIXELS)
    assert photo_price(many, "a", CARD, CutOutSettings(flip=True)) == math.ceil(2 * seen / WINDOW_PIXELS)


def test_a_model_without_a_window_is_charged_by_its_passes() -> None:
    photo, clip, tiles = png(64, 96), Clip(1920, 1080, 25.0, 8.0, 200), CutOutSettings(tiles=2)
    assert photo_price(photo, "a", PLAIN, tiles) == photo_cost(photo, "a", 5)
    assert clip_price(clip, PLAIN, tiles) == clip_cost(clip, 5)
    assert clip_price(clip, CARD, tiles) > 2 * clip_price(clip, PLAIN, tiles)
