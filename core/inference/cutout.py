"""The cut-out pipeline, from a photo to files: page, command line, REST, zips and video all call it.

A photo goes through it in these steps: predict with test-time augmentation, correct by hand, refine the
edges, choose the connected components, matte, compose with a background.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.cutout_settings import CutOutSettings
from core.errors import UserError
from core.imaging import rendering
from core.imaging.components import Component, component_table, find_components
from core.imaging.corrections import corrected
from core.imaging.guided_filter import enlarge
from core.imaging.matting import alpha_of, compose
from core.inference.test_time_augmentation import probability_map
from core.system.spreadsheets import csv_file
from core.task import Task

if TYPE_CHECKING:
    from core.inference.predictor import Predictor

Map = NDArray[np.float32]
Picture = NDArray[np.uint8]

RESULTS = ("mask", "cutout", "overlay", "components")
CLASS_RESULTS = ("mask", "overlay")  # of a multi-class model
DEFAULTS = CutOutSettings()


@dataclass(frozen=True, slots=True)
class CutOut:
    """A photo, uint8 RGB (h, w, 3), and how much of each pixel is subject, float32 (h, w) in 0..1."""

    photo: Picture
    alpha: Map
    settings: CutOutSettings

    @property
    def mask(self) -> Picture:
        """0 and 255, uint8 (h, w)."""
        return rendering.mask_picture(self.alpha, 0.5)

    @property
    def share(self) -> float:
        """The fraction of pixels in the mask."""
        return rendering.foreground_share(self.alpha, 0.5)

    def picture(self, kind: str) -> Picture:
        """The "mask" (h, w), the "overlay" (h, w, 3), or the "cutout", (h, w, 4) where the background is
        transparent and (h, w, 3) on any other."""
        if kind == "cutout":
            return compose(self.photo, self.alpha, self.settings.background, self.settings.decontaminate)
        return self.mask if kind == "mask" else rendering.overlay(self.photo, self.alpha, 0.5)

    def components(self) -> tuple[list[Component], NDArray[np.int32]]:
        """The connected components of the mask that are no specks, or the objects in them, and a map of their
        numbers."""
        settings = self.settings
        return find_components(self.mask // 255, settings.smallest_component, settings.separate_touching)

    def table(self, file: str = "") -> pd.DataFrame:
        """A row for each component."""
        return component_table(self.components()[0], file)


@dataclass(frozen=True, slots=True)
class LabelledPhoto:
    """A photo, uint8 RGB (h, w, 3), and the label of each pixel, uint8 (h, w), as core.task has them."""

    photo: Picture
    labels: Picture
    task: Task

    def picture(self, kind: str) -> Picture:
        """The "mask" of labels as they are, or the "overlay" (h, w, 3)."""
        return rendering.label_result(kind, self.photo, self.labels, self.task)


def cut_out(
    photo: Picture,
    predictor: "Predictor",
    settings: CutOutSettings = DEFAULTS,
    between: Callable[[], None] = lambda: None,
) -> CutOut:
    """The whole pipeline for a photo, uint8 RGB (h, w, 3).

    `between` is called after the prediction, and after each row of windows: what it raises ends the work.
    Raises UserError for a multi-class model.
    """
    settings = settings.of_model(predictor.card.threshold, predictor.card.refine_edges)
    small = probability_map(photo, predictor.checking(between), settings)
    between()
    return from_map(photo, small, settings)


def from_map(photo: Picture, small: Map, settings: CutOutSettings) -> CutOut:
    """All that follows the prediction. `small` is the foreground's probability, float32 (h, w) of any size;
    `settings` are complete: see CutOutSettings.of_model."""
    return from_probability(photo, enlarged(photo, small, settings), settings)


def enlarged(photo: Picture, small: Map, settings: CutOutSettings) -> Map:
    """The prediction with all corrections at the photo's size, float32 (h, w), its edges refined if the
    settings say so."""
    if settings.corrections:
        small = corrected(small, photo, settings.corrections, settings.threshold or 0.5)
    if settings.refine_edges is None:
        raise ValueError("whether edges are refined is the model's: use settings.of_model")
    return enlarge(small, photo, settings.refine_edges)


def from_probability(photo: Picture, probability: Map, settings: CutOutSettings) -> CutOut:
    """All that follows the refinement of the edges. `probability` is float32 at the photo's size."""
    if settings.threshold is None:
        raise ValueError("the threshold is the model's: use settings.of_model")
    return CutOut(photo, alpha_of(probability, settings.threshold, settings), settings)


def segment(
    photo: Picture,
    predictor: "Predictor",
    settings: CutOutSettings = DEFAULTS,
    between: Callable[[], None] = lambda: None,
) -> CutOut | LabelledPhoto:
    """What the model finds in a photo: as `cut_out` where it has one foreground, else each pixel's label."""
    if predictor.card.task.kind == "binary":
        return cut_out(photo, predictor, settings, between)
    labels = predictor.checking(between).labels(photo, settings.long_side, settings.threshold)
    return LabelledPhoto(photo, labels, predictor.card.task)


def results_of(task: Task) -> tuple[str, ...]:
    """The kinds of results that a model with this task can give."""
    return RESULTS if task.kind == "binary" else CLASS_RESULTS


def suffix_of(kind: str) -> str:
    """Of the file of a result, with its dot."""
    return ".csv" if kind == "components" else ".png"


def files_of(found: CutOut | LabelledPhoto, kinds: Iterable[str], name: str) -> dict[str, bytes]:
    """Each kind of result as the bytes of a PNG; of the components, as a CSV table that names the photo."""
    files = {}
    for kind in kinds:
        if kind != "components":
            files[kind] = rendering.encode(found.picture(kind))
        elif isinstance(found, CutOut):
            files[kind] = csv_file(found.table(name))
        else:
            raise UserError("A multi-class model has no components to count.")
    return files
