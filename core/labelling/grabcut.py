"""GrabCut from the same prompts: the baseline, without any network."""

import cv2
import numpy as np
from numpy.typing import NDArray

from core.imaging.guided_filter import enlarge
from core.imaging.rendering import display_size
from core.labelling.prompts import BACKGROUND, Stroke, draw

SIDE = 480  # pixels of the longer side; at 640 one answer takes twice as long
ROUNDS = 4
REACH = 0.25  # of the longer side: how far from the first strokes an object is looked for


def grabcut_mask(
    photo: NDArray[np.uint8], strokes: tuple[Stroke, ...], previous: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """The object under the strokes that are not background: float32 (height, width), 0 or 1, soft only where
    it is enlarged.

    `photo` is uint8 RGB (height, width, 3); `previous` a probability mask of its size to start from. Without
    strokes of an object the mask is empty. Source: Rother et al., GrabCut (2004), as in OpenCV.
    """
    if all(stroke.label == BACKGROUND for stroke in strokes):
        return np.zeros(photo.shape[:2], np.float32)
    small = display_size(photo, SIDE)
    size = small.shape[0], small.shape[1]
    scale = size[1] / photo.shape[1]
    drawn = draw(strokes, size, scale)
    marks = _guess(drawn, previous)
    marks[drawn > 0] = cv2.GC_FGD
    marks[drawn == BACKGROUND] = cv2.GC_BGD
    cv2.setRNGSeed(0)
    outside, inside = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(
        cv2.cvtColor(small, cv2.COLOR_RGB2BGR), marks, (0, 0, 0, 0), outside, inside, ROUNDS,
        cv2.GC_INIT_WITH_MASK,
    )  # fmt: skip
    found = np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    return enlarge(found, photo, fine=False)


def _guess(drawn: NDArray[np.int16], previous: NDArray[np.float32] | None) -> NDArray[np.uint8]:
    """What is probably object: what was before, or else what is near the strokes."""
    height, width = drawn.shape
    if previous is not None and (previous >= 0.5).any():
        before = cv2.resize(previous, (width, height), interpolation=cv2.INTER_LINEAR)
        near = np.asarray(before) >= 0.5
    else:
        distance = cv2.distanceTransform((drawn <= 0).astype(np.uint8), cv2.DIST_L2, 5)
        near = np.asarray(distance) < REACH * max(height, width)
    marks = np.where(near, np.uint8(cv2.GC_PR_FGD), np.uint8(cv2.GC_PR_BGD))
    if not (marks == cv2.GC_PR_BGD).any():
        marks[:2], marks[-2:], marks[:, :2], marks[:, -2:] = (cv2.GC_PR_BGD,) * 4
    return marks
