"""What somebody marks on a photo: clicks, strokes and boxes, in pixels of the photo."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]  # x to the right, y down, in pixels of the photo
BACKGROUND = 0
_FINE = 4  # fractional bits of the coordinates that OpenCV draws with


@dataclass(frozen=True, slots=True)
class Click:
    """A click at (x, y): on the object of class `label` where it is positive, off the object where not."""

    x: float
    y: float
    positive: bool = True
    label: int = 1


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line through `points` (one point: a disc), `radius` pixels to each side. `label` 0 is background."""

    points: tuple[Point, ...]
    radius: float
    label: int = 1


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle around an object of class `label`: left and top are inside, right and bottom are not."""

    left: float
    top: float
    right: float
    bottom: float
    label: int = 1


Prompt = Click | Stroke | Box


def as_stroke(click: Click, radius: float) -> Stroke:
    """A click as a disc: of its class, or of the background where it is negative."""
    return Stroke(((click.x, click.y),), radius, click.label if click.positive else BACKGROUND)


def draw(strokes: Sequence[Stroke], size: tuple[int, int], scale: float = 1.0) -> NDArray[np.int16]:
    """Strokes on a photo of (height, width), shrunk by `scale`: int16 (height, width) of labels, -1 where
    there is none. A later stroke covers earlier ones; each marks at least the pixels it passes through."""
    canvas = np.full(size, -1, np.int16)
    for stroke in strokes:
        # The centre of a pixel is at a half of it in the photo and at a whole number in OpenCV.
        points = np.asarray(stroke.points, np.float64) * scale - 0.5
        fixed = np.round(points * (1 << _FINE)).astype(np.int32)
        radius = stroke.radius * scale
        thickness = max(1, round(2 * radius))
        if len(fixed) > 1:
            cv2.polylines(
                canvas, [fixed.reshape(-1, 1, 2)], False, stroke.label, thickness, cv2.LINE_8, _FINE
            )
        for x, y in fixed[[0, -1]]:
            centre = int(x), int(y)
            cv2.circle(canvas, centre, max(0, round((radius - 0.5) * (1 << _FINE))), stroke.label, -1,
                       cv2.LINE_8, _FINE)  # fmt: skip
    return canvas
