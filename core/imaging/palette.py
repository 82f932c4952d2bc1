"""Colours of classes and of errors: told apart by eye, on a photo too, and by the colour-blind where few."""

import functools

import cv2
import numpy as np
from numpy.typing import NDArray

Rgb = tuple[int, int, int]

# Okabe and Ito, https://jfly.uni-koeln.de/color/, without the second blue and with brown and purple.
FIRST: tuple[Rgb, ...] = (
    (0, 114, 178), (230, 159, 0), (0, 158, 115), (204, 121, 167), (240, 228, 66), (213, 94, 0),
    (110, 60, 190), (130, 90, 44),
)  # fmt: skip
LIGHTNESS_COUNTS = 0.7  # in the distance of two colours: over a photo, hue tells more
DARKEST, BRIGHTEST = 35.0, 92.0  # CIE L*, of the further colours


@functools.lru_cache(maxsize=32)
def _table(classes: int) -> tuple[Rgb, ...]:
    """FIRST, then again and again the colour that is farthest from all before it, in CIE L*a*b*."""
    if classes <= len(FIRST):
        return FIRST[:classes]
    levels = np.linspace(20, 250, 14).round().astype(np.uint8)
    grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(-1, 3)
    light = _lab(grid)[:, 0] / LIGHTNESS_COUNTS
    grid = grid[(light > DARKEST) & (light < BRIGHTEST)]
    places = _lab(grid)
    chosen = list(FIRST)
    nearest = np.linalg.norm(places[:, None] - _lab(np.array(FIRST))[None], axis=2).min(axis=1)
    while len(chosen) < classes:
        index = int(nearest.argmax())
        red, green, blue = (int(c) for c in grid[index])
        chosen.append((red, green, blue))
        nearest = np.minimum(nearest, np.linalg.norm(places - places[index], axis=1))
    return tuple(chosen)


def class_colours(classes: int) -> NDArray[np.uint8]:
    """A colour for each class, uint8 (classes, 3); a class keeps its colour when others follow."""
    return np.array(_table(classes), np.uint8).reshape(-1, 3)


def hex_colours(classes: int) -> list[str]:
    """The same as #rrggbb."""
    return [css_colour(colour) for colour in _table(classes)]


def css_colour(colour: Rgb) -> str:
    """A colour as #rrggbb."""
    return "#" + bytes(colour).hex()


def _lab(colours: NDArray[np.integer]) -> NDArray[np.float32]:
    """RGB (n, 3) in 0..255 as L*a*b*, float32 (n, 3), lightness scaled down."""
    scaled = (np.asarray(colours, np.float32) / np.float32(255)).reshape(1, -1, 3)
    found = cv2.cvtColor(scaled, cv2.COLOR_RGB2Lab)[0]
    return np.asarray(found * np.array([LIGHTNESS_COUNTS, 1, 1], np.float32), np.float32)
