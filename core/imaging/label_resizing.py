"""Resizing labels without shifting them against the photo."""

import cv2
import numpy as np
from numpy.typing import NDArray

from core.imaging.resizing import resize_picture


def resize_labels(labels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Resize labels (h, w) to (height, width), uint8: each pixel takes the label that covers most of it, the
    higher one of equals. No new labels appear.

    Nearest-neighbour sampling would shift labels: by half a pixel with INTER_NEAREST, and by up to a
    quarter with INTER_NEAREST_EXACT where a new pixel's centre lies between two old ones, as at 1/2
    and 3/4. nnU-Net resamples labels the same way (resample_data_or_seg: one map per label).
    """
    if labels.shape == size:
        return labels
    present = np.flatnonzero(cv2.calcHist([labels], [0], None, [256], [0, 256])).astype(np.uint8)
    if len(present) == 1:
        return np.full(size, present[0], np.uint8)
    if len(present) == 2:
        upper = _share(labels == present[1], size) >= 128
        return np.asarray(np.where(upper, present[1], present[0]), np.uint8)
    found = np.full(size, present[0], np.uint8)
    most = _share(labels == present[0], size)
    for label in present[1:]:
        share = _share(labels == label, size)
        found[share >= most] = label
        np.maximum(most, share, out=most)
    return found


def _share(inside: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The fraction of each new pixel that is inside, in 255ths."""
    full = inside.astype(np.uint8) * np.uint8(255)
    if inside.shape[0] > 2 * size[0] or inside.shape[1] > 2 * size[1]:
        return resize_picture(full, size)
    # Down to half the size, a new pixel covers no more than the two pixels that it lies between.
    return np.asarray(cv2.resize(full, size[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
