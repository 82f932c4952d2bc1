"""A photo and its prediction at the size at which a page shows them."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.cutout_settings import CutOutSettings
from core.imaging.label_resizing import resize_labels
from core.imaging.rendering import display_size, fit_map
from core.inference.test_time_augmentation import probability_map

if TYPE_CHECKING:
    from core.inference.predictor import Predictor

Picture = NDArray[np.uint8]


def predicted(
    photo: Picture, predictor: "Predictor", settings: CutOutSettings, side: int
) -> tuple[Picture, NDArray[np.float32] | None, Picture | None]:
    """The photo with its longer side at most `side` pixels, and either the foreground's probability, float32,
    or of a multi-class model the labels, uint8.

    Of a model with a window all are at one size: the photo is predicted at its own, and a map of that size is
    too much to keep.
    """
    shown = display_size(photo, side)
    size = shown.shape[0], shown.shape[1]
    if predictor.card.task.kind != "binary":
        return shown, None, resize_labels(predictor.labels(photo), size)
    found = probability_map(photo, predictor, settings)
    return shown, fit_map(found, size) if predictor.card.window else found, None
