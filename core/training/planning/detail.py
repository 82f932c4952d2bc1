"""How much of the masks is left at a smaller size, and which sizes a training can have."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from core.config import SIZE_STEP
from core.data.classes import MaskEncoding
from core.imaging.label_resizing import resize_labels
from core.task import IGNORE, Task

Size = tuple[int, int]  # height, width in pixels
LONG_SIDES = (128, 192, 256, 320, 384, 448, 512, 640, 768, 1024, 1280, 1536, 2048)
HIGHEST = LONG_SIDES[-1]


def sizes_of_shape(height: float, width: float, least: int = SIZE_STEP) -> list[Size]:
    """The sizes that a training on photos of this size can have, smallest first: in the photos' shape,
    multiples of 32, each side at least `least`, and up to the photos' own size."""
    longer = max(height, width)
    sides = [side for side in LONG_SIDES if side < longer] + [min(HIGHEST, round(longer))]
    found = {
        tuple(min(HIGHEST, max(least, _rounded(side * own / longer))) for own in (height, width))
        for side in sides
    }
    return sorted(((h, w) for h, w in found), key=lambda size: (size[0] * size[1], size))


def kept_dice(labels: NDArray[np.uint8], size: Size, encoding: MaskEncoding) -> float | None:
    """Dice between labels (h, w) and what is left of them after a way down to `size` and back.

    Down as the store resizes, up as a prediction is enlarged. The mean over the classes or labels that occur;
    None where there is no foreground at all. A network cannot be better than this by much at that size.
    """
    task = encoding.task
    back = resize_labels(encoding.resize(labels, size), (labels.shape[0], labels.shape[1]))
    both = zip(layers_of(labels, task), layers_of(back, task), strict=True)
    scores = [_dice(before, after) for before, after in both]
    found = [score for score in scores if score is not None]
    return float(np.mean(found)) if found else None


def layers_of(labels: NDArray[np.uint8], task: Task) -> Sequence[NDArray[np.bool_]]:
    """Where each class or label is."""
    if task.kind == "binary":
        return [labels == 1]
    if task.kind == "multiclass":
        return [labels == index for index in range(task.outputs)]
    return [(labels >> bit & 1) == 1 for bit in range(task.outputs)]


def _dice(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> float | None:
    there = np.count_nonzero(before)
    if not there:
        return None
    return 2 * np.count_nonzero(before & after) / (there + np.count_nonzero(after))


def shares_of(labels: NDArray[np.uint8], task: Task) -> NDArray[np.float64]:
    """The share of each class or label among the known pixels, float64 (outputs,)."""
    pixels = cv2.calcHist([labels], [0], None, [256], [0, 256]).ravel().astype(np.float64)
    known = labels.size - (pixels[IGNORE] if task.has_void else 0)
    if task.kind == "binary":
        found = pixels[1:2]
    elif task.kind == "multiclass":
        found = pixels[: task.outputs]
    else:
        codes = np.arange(256)
        found = np.array([pixels[(codes >> bit & 1) == 1].sum() for bit in range(task.outputs)])
    return np.asarray(found / max(1, known), np.float64)


def _rounded(side: float) -> int:
    """To a multiple of 32."""
    return max(1, round(side / SIZE_STEP)) * SIZE_STEP
