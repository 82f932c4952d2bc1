"""Pictures of one image's evaluation, all of one size."""

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from core.data.dataset import DataFolder
from core.evaluation import cache
from core.evaluation.boundaries import edge, edge_distances
from core.evaluation.cache import Evaluation, Panels
from core.imaging.rendering import data_url, four_panels
from core.task import IGNORE, Task

FAR = 0.03  # of the diagonal: the distance from the true edge that has the last colour


def small_pictures(panels: Panels, task: Task) -> list[tuple[str, str]]:
    """Photo, ground truth, prediction and errors as (title, data URL)."""
    return [
        (title, data_url(picture))
        for title, picture in four_panels(panels.photo, panels.truth, panels.predicted, task)
    ]


def large_pictures(panels: Panels, task: Task) -> list[tuple[str, str]]:
    """The same, and for one foreground its probability and the distances between the outlines."""
    pictures = small_pictures(panels, task)
    if panels.probability is None:
        return pictures
    return [
        *pictures,
        ("Probability", data_url(heat_map(panels.photo, panels.probability))),
        ("Edge distance", data_url(edge_picture(panels.photo, panels.truth, panels.predicted))),
    ]


def errors_beside(
    found: Mapping[str, Evaluation], data: DataFolder, levels: Mapping[str, float], name: str
) -> list[tuple[str, str]]:
    """One image's ground truth, then each model's errors under its label, as (title, data URL). Raises
    UserError if a file is gone."""
    shown: list[tuple[str, str]] = []
    for label, evaluation in found.items():
        panels = cache.panels(evaluation, data.pair(name), data, levels[label])
        _, truth, _, errors = small_pictures(panels, evaluation.task)
        shown = shown or [truth]
        shown.append((label, errors[1]))
    return shown


def heat_map(photo: NDArray[np.uint8], probability: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The probability in colours from dark to yellow, over a hint of the photo. RGB uint8 (h, w, 3)."""
    level = (probability * 255).round().astype(np.uint8)
    coloured = cv2.cvtColor(cv2.applyColorMap(level, cv2.COLORMAP_VIRIDIS), cv2.COLOR_BGR2RGB)
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)[..., None]
    return (coloured * np.float32(0.8) + grey * np.float32(0.2)).astype(np.uint8)


def edge_picture(
    photo: NDArray[np.uint8], truth: NDArray[np.uint8], predicted: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """The true edge in white, the predicted one in the colour of its distance from it, dark violet to yellow.
    Void counts as predicted and has no true edge. RGB uint8 (h, w, 3)."""
    void = truth == IGNORE
    truth = np.where(void, predicted, truth).astype(np.uint8)
    theirs, distance = edge_distances(truth, predicted.astype(np.uint8))
    diagonal = float(np.hypot(*truth.shape))
    level = (np.clip(distance / (FAR * diagonal), 0, 1) * 255).astype(np.uint8)
    coloured = cv2.cvtColor(cv2.applyColorMap(level, cv2.COLORMAP_PLASMA), cv2.COLOR_BGR2RGB)
    grey = (cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY) * np.float32(0.4) + 20).astype(np.uint8)
    picture = np.repeat(grey[..., None], 3, axis=2)
    picture[_thick(edge(truth) & ~void, 1)] = 255
    wide = _thick(theirs, 2)
    # A line of several pixels has the colour of its middle.
    spread = cv2.dilate(np.where(theirs[..., None], coloured, 0).astype(np.uint8), np.ones((3, 3), np.uint8))
    picture[wide] = spread[wide]
    return picture


def _thick(lines: NDArray[np.bool_], pixels: int) -> NDArray[np.bool_]:
    if pixels < 2:
        return lines
    return cv2.dilate(lines.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
