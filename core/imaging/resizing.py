"""Resizing pictures, each side on its own."""

import cv2
import numpy as np
from numpy.typing import NDArray


def resize_picture(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Resize a picture (h, w) or (h, w, 3) to (height, width), uint8: shrinking sides by area averaging,
    growing sides by linear interpolation.

    OpenCV's INTER_AREA averages areas only if neither side grows. Otherwise it interpolates both, which
    shifts a picture that shrinks to 3/8 on one side by a fifth of a new pixel.
    """
    if picture.shape[:2] == size:
        return picture
    shrunk = min(picture.shape[0], size[0]), min(picture.shape[1], size[1])
    if shrunk != picture.shape[:2]:
        picture = np.asarray(cv2.resize(picture, shrunk[::-1], interpolation=cv2.INTER_AREA), np.uint8)
    if shrunk != size:
        picture = np.asarray(cv2.resize(picture, size[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
    return picture
