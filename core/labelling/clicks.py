"""From clicks to a mask."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.labelling.features import PhotoFeatures, photo_features
from core.labelling.prompts import Click, as_stroke
from core.labelling.scribbles import Example, along_edges, fit

CLICK_RADIUS = 0.008  # of the longer side: what a click tells the classifier about


def segment_by_clicks(
    photo: NDArray[np.uint8],
    clicks: Sequence[Click],
    previous: NDArray[np.float32] | None = None,
    model: None = None,
    features: PhotoFeatures | None = None,
) -> NDArray[np.float32]:
    """The probability that a pixel belongs to the object clicked on: float32 (height, width).

    `photo` is uint8 RGB (height, width, 3). `clicks` are all of this object, in order; `previous` is the
    answer before the last one, None at the first. `model` is `load_click_model`'s, None for the classifier
    on frozen features alone. Pass the photo's `features` where they are known. Without a positive click
    nothing is object.
    """
    if not any(click.positive for click in clicks):
        return np.zeros(photo.shape[:2], np.float32)
    features = features or photo_features(photo)
    found: NDArray[np.float32] = along_edges(_classified(features, clicks), photo)[1]
    return found


def _classified(features: PhotoFeatures, clicks: Sequence[Click]) -> NDArray[np.float32]:
    """What a classifier of frozen features makes of the clicks, on the features' grid: (2, h, w)."""
    radius = CLICK_RADIUS * max(features.size)
    strokes = tuple(as_stroke(Click(c.x, c.y, c.positive), radius) for c in clicks)
    return fit([Example(features, strokes)], classes=2).propose(features)
