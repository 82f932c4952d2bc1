"""The click model and the classifier together: where the one is weak, the other helps."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from core.labelling.features import PhotoFeatures
from core.labelling.prompts import Click, as_stroke
from core.labelling.scribbles import Example, ScribbleClassifier, fit
from core.task import IGNORE

Map = NDArray[np.float32]

CLICK_RADIUS = 0.008  # of the longer side: what a click tells the classifier about
MOST = 0.6  # weight of the classifier's logits where a click corrects a large error
LARGE = 0.12  # depth of an error, in square roots of the object's area, from which it is large
SURE, SURE_NOT = 0.9, 0.05  # the model's answer teaches the classifier where it is so certain
DOUBT = 2.5  # but not nearer to the last click than so many depths of the error that it corrects
MODEST = 0.02  # the model's probabilities are kept so far from 0 and 1, or nothing would change its mind
BRIDGE = 0.012  # of the longer side: a click counts as part of what is so near


def without_rejected(found: Map, clicks: Sequence[Click]) -> Map:
    """A mask (h, w) without its connected pieces that hold a negative click and no positive one: a click on
    the bystander rejects the bystander, not a spot of him."""
    height, width = found.shape
    near = (found >= 0.5).astype(np.uint8)
    radius = max(2, round(BRIDGE * max(height, width)))
    for click in clicks:  # the spot under a negative click joins the piece that it was cut out of
        cv2.circle(near, (int(click.x), int(click.y)), radius, 1, -1)
    _, pieces = cv2.connectedComponents(near)
    held: dict[bool, set[int]] = {True: set(), False: set()}
    for click in clicks:
        if 0 <= click.y < height and 0 <= click.x < width:
            held[click.positive].add(int(pieces[int(click.y), int(click.x)]))
    rejected = held[False] - held[True] - {0}
    return np.where(np.isin(pieces, list(rejected)), np.float32(0), found) if rejected else found


def with_classifier(found: Map, clicks: Sequence[Click], features: PhotoFeatures, before: Map | None) -> Map:
    """The click model's answer (h, w), its logits added to those of a classifier that learns from the clicks
    and from what the answer is certain of.

    The classifier weighs more, the larger the error that the last click corrects: on subjects that the model
    knows its errors are small, and the classifier would only blur them.
    """
    depth = error_depth(clicks[-1], before)
    area = max(1, int((found >= 0.5).sum()), 0 if before is None else int((before >= 0.5).sum()))
    weight = MOST * min(1.0, depth / np.sqrt(area) / LARGE)
    if weight < 0.02:
        return found
    logits = _taught_by(found, clicks, depth, features).logits(features)
    wide = cv2.resize(logits[1] - logits[0], found.shape[::-1], interpolation=cv2.INTER_LINEAR)
    safe = np.clip(found, MODEST, 1 - MODEST)
    total = np.log(safe / (1 - safe)) + np.float32(weight) * np.asarray(wide)
    return np.asarray(1 / (1 + np.exp(-total)), np.float32)


def error_depth(click: Click, before: Map | None) -> float:
    """How many pixels inside an error of the answer before (h, w) a click lies; 0 at the first click."""
    if before is None or not (0 <= click.y < before.shape[0] and 0 <= click.x < before.shape[1]):
        return 0.0
    was = before >= 0.5
    wrong = np.pad(~was if click.positive else was, 1).astype(np.uint8)
    return float(cv2.distanceTransform(wrong, cv2.DIST_L2, 3)[1 + int(click.y), 1 + int(click.x)])


def _taught_by(
    found: Map, clicks: Sequence[Click], depth: float, features: PhotoFeatures
) -> ScribbleClassifier:
    shape, scale = features.shape, features.shape[1] / features.size[1]
    small = np.asarray(cv2.resize(found, shape[::-1], interpolation=cv2.INTER_AREA))
    labels = np.full(shape, IGNORE, np.uint8)
    labels[small > SURE], labels[small < SURE_NOT] = 1, 0
    y, x = np.mgrid[: shape[0], : shape[1]]
    last, doubt = clicks[-1], max(DOUBT * depth * scale, 3.0)
    labels[(y + 0.5 - last.y * scale) ** 2 + (x + 0.5 - last.x * scale) ** 2 < doubt**2] = IGNORE
    radius = CLICK_RADIUS * max(features.size)
    strokes = tuple(as_stroke(Click(c.x, c.y, c.positive), radius) for c in clicks)
    return fit([Example(features, strokes, labels)], classes=2)
