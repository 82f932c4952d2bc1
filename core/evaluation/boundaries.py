"""How well the outline of a mask is predicted: boundary IoU, Hausdorff distance, distance between outlines.

A large subject can have a high Dice and a ragged outline. These scores measure the outline alone.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH = 0.02  # of the diagonal: the width of the band along the outline
_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def boundary_iou(truth: NDArray[np.uint8], predicted: NDArray[np.uint8], width: float = WIDTH) -> float:
    """IoU of the pixels within `width` diagonals inside each mask's edge, in 0..1; 1 where both are empty.

    Both are 0 or 1, uint8 (h, w). Source: Cheng et al. (2021), https://arxiv.org/abs/2103.16562.
    """
    pixels = max(1, round(width * float(np.hypot(*truth.shape))))
    ours, theirs = _band(truth, pixels), _band(predicted, pixels)
    union = np.count_nonzero(ours | theirs)
    return np.count_nonzero(ours & theirs) / union if union else 1.0


def hausdorff(truth: NDArray[np.uint8], predicted: NDArray[np.uint8], share: float = 0.95) -> float:
    """The distance in pixels within which `share` of each mask's edge lies from the other's edge.

    0 where both masks are empty, NaN where one is, because it has no edge. Both are 0 or 1,
    uint8 (h, w). The 95 % form is that of https://doi.org/10.1038/s41592-023-02151-z.
    """
    if not truth.any() or not predicted.any():
        return float("nan") if truth.any() or predicted.any() else 0.0
    from scipy.spatial import KDTree

    ours, theirs = np.argwhere(edge(truth)), np.argwhere(edge(predicted))
    there, _ = KDTree(theirs).query(ours)
    back, _ = KDTree(ours).query(theirs)
    return float(max(np.quantile(there, share), np.quantile(back, share)))


def edge(mask: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The mask's pixels with a neighbour, left, right, above or below, outside it. Bool (h, w)."""
    inner = cv2.erode(mask, _CROSS, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray((mask > 0) & (inner == 0), np.bool_)


def edge_distances(
    truth: NDArray[np.uint8], predicted: NDArray[np.uint8]
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """The predicted edge, bool (h, w), and each pixel's distance in pixels to the true edge,
    float32 (h, w); infinite where there is no true edge."""
    theirs, ours = edge(predicted), edge(truth)
    if not ours.any():
        return theirs, np.full(truth.shape, np.inf, np.float32)
    return theirs, _distance_to(ours)


def _distance_to(edges: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Each pixel's Euclidean distance to the nearest edge pixel."""
    away = np.where(edges, 0, 1).astype(np.uint8)
    return np.asarray(cv2.distanceTransform(away, cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32)


def _band(mask: NDArray[np.uint8], pixels: int) -> NDArray[np.bool_]:
    """The pixels that an erosion by this many pixels removes, at the picture's border too."""
    kernel = np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8)
    inner = cv2.erode(mask, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray((mask > 0) & (inner == 0), np.bool_)
