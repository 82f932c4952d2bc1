"""From clicks to a mask: the click model where there is one, and a classifier on frozen features."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from core.imaging.guided_filter import refine
from core.labelling.click_model import ClickNet
from core.labelling.combining import CLICK_RADIUS, with_classifier, without_rejected
from core.labelling.features import PhotoFeatures, photo_features
from core.labelling.prompts import Click, as_stroke
from core.labelling.scribbles import Example, along_edges, fit
from core.models.preprocessing import fit_photo

LONG_SIDE = 256  # pixels of the click model's input, about as in its training: at 320 first clicks were worse
MARGIN = 0.25  # of the object's extent, to each side of the region that is looked at again
WHOLE = 0.8  # a region that covers so much of the photo's sides is not worth zooming in on

Map = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Region:
    """Rows `top` to `bottom` and columns `left` to `right` of a photo."""

    top: int
    left: int
    bottom: int
    right: int

    def of(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        return values[self.top : self.bottom, self.left : self.right]


def segment_by_clicks(
    photo: NDArray[np.uint8],
    clicks: Sequence[Click],
    previous: Map | None = None,
    model: ClickNet | None = None,
    features: PhotoFeatures | None = None,
) -> Map:
    """The probability that a pixel belongs to the object clicked on: float32 (height, width).

    `photo` is uint8 RGB (height, width, 3). `clicks` are all of this object, in order; `previous` is the
    answer before the last one, None at the first. `model` is `load_click_model`'s, None for the classifier
    on frozen features alone. The `features` of the photo are computed where they are not passed. Without a
    positive click nothing is object.
    """
    if not any(click.positive for click in clicks):
        return np.zeros(photo.shape[:2], np.float32)
    if model is None:
        features = features or photo_features(photo)
        return np.asarray(along_edges(_classified(features, clicks), photo)[1], np.float32)
    found = without_rejected(_by_model(photo, clicks, previous, model), clicks)
    if previous is None:  # zoom in on what was found: 0.035 of Dice more, in twice the time
        return without_rejected(_by_model(photo, clicks, found, model), clicks)
    found = with_classifier(found, clicks, features or photo_features(photo), previous)
    return without_rejected(found, clicks)


def _by_model(
    photo: NDArray[np.uint8], clicks: Sequence[Click], previous: Map | None, model: ClickNet
) -> Map:
    """Once on the whole photo at the first click, then on the region of the object: Sofiiuk et al. call it
    zoom-in."""
    region = region_of(previous, clicks, photo.shape[:2]) if previous is not None else None
    if region is None:
        return _answer(photo, clicks, previous, model)
    moved = [Click(c.x - region.left, c.y - region.top, c.positive) for c in clicks]
    part = np.ascontiguousarray(region.of(photo), np.uint8)
    whole = np.zeros(photo.shape[:2], np.float32) if previous is None else previous.copy()
    before = None if previous is None else np.ascontiguousarray(region.of(previous), np.float32)
    region.of(whole)[:] = _answer(part, moved, before, model)
    return whole


def region_of(mask: Map | None, clicks: Sequence[Click], size: tuple[int, ...]) -> Region | None:
    """What to look at again: the object so far and all clicks, with a margin. None for the whole photo."""
    height, width = size[:2]
    rows, columns = [c.y for c in clicks], [c.x for c in clicks]
    if mask is not None and (mask >= 0.5).any():
        found = mask >= 0.5
        rows += [float(v) for v in np.flatnonzero(found.any(axis=1))[[0, -1]]]
        columns += [float(v) for v in np.flatnonzero(found.any(axis=0))[[0, -1]]]
    else:
        return None
    extent = max(max(rows) - min(rows), max(columns) - min(columns), 0.1 * max(height, width))
    margin = MARGIN * extent
    top, bottom = max(0, int(min(rows) - margin)), min(height, int(max(rows) + margin) + 1)
    left, right = max(0, int(min(columns) - margin)), min(width, int(max(columns) + margin) + 1)
    if max(bottom - top, right - left) >= WHOLE * max(height, width):
        return None
    return Region(top, left, bottom, right)


@torch.inference_mode()
def _answer(photo: NDArray[np.uint8], clicks: Sequence[Click], previous: Map | None, model: ClickNet) -> Map:
    """The network's answer for a photo or a region of one, at its size and along its edges."""
    padded, inner = fit_photo(photo, LONG_SIDE)
    scale = inner[1] / photo.shape[1]
    scaled = [Click(c.x * scale, c.y * scale, c.positive) for c in clicks]
    before = np.zeros(padded.shape[:2], np.float32)
    if previous is not None:
        small = cv2.resize(
            previous, inner[::-1], interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        )
        before[: inner[0], : inner[1]] = small
    images = torch.from_numpy(np.ascontiguousarray(padded.transpose(2, 0, 1)))[None]
    logits = model.decode(model.encode(images), [scaled], torch.from_numpy(before)[None, None])[0, 0]
    share = logits[: inner[0], : inner[1]].sigmoid().contiguous().numpy()
    return refine(share, photo)


def _classified(features: PhotoFeatures, clicks: Sequence[Click]) -> Map:
    """What a classifier of frozen features makes of the clicks, on the features' grid: (2, h, w)."""
    radius = CLICK_RADIUS * max(features.size)
    strokes = tuple(as_stroke(Click(c.x, c.y, c.positive), radius) for c in clicks)
    return fit([Example(features, strokes)], classes=2).propose(features)


@functools.cache
def shipped_model() -> ClickNet:
    """checkpoints/click-lite0, loaded once. Raises UserError where it is not there."""
    from core.labelling.click_model import load_click_model

    return load_click_model()
