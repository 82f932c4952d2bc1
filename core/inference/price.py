"""What a prediction costs of a visitor's quota, and how many forward passes it takes."""

import math

from core.cutout_settings import CutOutSettings
from core.data.photos import Source, photo_cost, photo_size
from core.inference.clips import MAX_SIDE, Clip, clip_cost
from core.inference.test_time_augmentation import SCALES
from core.models.card import ModelCard

WINDOW_PIXELS = 1_000_000  # seen by the network in windows, in about the time that a photo of the quota takes


def passes(card: ModelCard, settings: CutOutSettings, height: int, width: int) -> int:
    """The forward passes of a photo of height x width pixels: of a model with a window, one for each window.
    Such a model needs no tiles, and makes none."""
    if card.window is None:
        return settings.passes
    side = settings.long_side or card.long_side or max(height, width)
    found = 0
    for scale in SCALES if settings.scales else (1.0,):
        factor = side * scale / max(height, width)
        found += card.window.count(max(1, round(height * factor)), max(1, round(width * factor)))
    return found * (2 if settings.flip else 1)


def photo_price(source: Source, name: str, card: ModelCard, settings: CutOutSettings) -> int:
    """How many photos of the quota this one counts as. Does not decode it.

    Raises UserError if it is not a picture, or is larger than this server accepts.
    """
    if card.window is None:
        return photo_cost(source, name, settings.passes)
    decoded = photo_cost(source, name)
    return max(decoded, math.ceil(_seen(card, settings, *photo_size(source, name))))


def clip_price(clip: Clip, card: ModelCard, settings: CutOutSettings) -> int:
    """How many photos of the quota a video counts as."""
    if card.window is None:
        return clip_cost(clip, settings.passes)
    scale = min(1.0, MAX_SIDE / max(clip.width, clip.height))
    frame = round(clip.height * scale), round(clip.width * scale)
    return clip_cost(clip, 0) + math.ceil(clip.frames * _seen(card, settings, *frame))


def _seen(card: ModelCard, settings: CutOutSettings, height: int, width: int) -> float:
    """What the network sees of one photo, in photos of the quota."""
    assert card.window is not None
    pixels = card.window.height * card.window.width
    return passes(card, settings, height, width) * pixels / WINDOW_PIXELS
