"""Decontamination: the subject's own colour where the old background shines through its edge."""

import cv2
import numpy as np
from numpy.typing import NDArray

from core.imaging.tiles import enlarged, tiles

Map = NDArray[np.float32]
Picture = NDArray[np.uint8]
Colours = NDArray[np.float32]

COARSE = 4  # the factor by which the first step is downsampled
FIRST_RADIUS, SECOND_RADIUS = 45, 3  # of the estimation, in pixels of a photo of REFERENCE_SIDE
REFERENCE_SIDE = 1024


def foreground(photo: Picture, alpha: Map) -> Picture:
    """The subject's own colour where it is partly transparent: uint8 (h, w, 3). The photo's own where `alpha`
    is 1, and black where it is 0 all around.

    Source: Forte, Approximate Fast Foreground Colour Estimation (2021), https://arxiv.org/abs/2006.14970.
    The first step, with its large radius, works at a quarter of the size. The second runs in tiles, and only
    in those with a soft edge: the others need no estimation.
    """
    height, width = alpha.shape
    scale = max(height, width) / REFERENCE_SIDE
    radius = max(1, round(SECOND_RADIUS * scale))
    coarse = _first_step(photo, alpha, max(1, round(FIRST_RADIUS * scale / COARSE)))
    found = np.zeros_like(photo)
    for inner, outer in tiles(height, width, radius):
        if alpha[inner].min() == 1:
            found[inner] = photo[inner]
        elif alpha[outer].max() > 0:
            means = enlarged(coarse, outer, (height, width))
            estimated = _second_step(photo[outer], alpha[outer], means, radius)
            top, left = inner[0].start - outer[0].start, inner[1].start - outer[1].start
            rows, columns = (place.stop - place.start for place in inner)
            found[inner] = estimated[top : top + rows, left : left + columns]
    return found


def _first_step(photo: Picture, alpha: Map, radius: int) -> Colours:
    """The mean colours of subject and background around each pixel of the photo at a quarter of its size:
    float32 (h, w, 6)."""
    size = max(1, alpha.shape[1] // COARSE), max(1, alpha.shape[0] // COARSE)
    small = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.float32)
    share = np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.float32)
    return np.concatenate([_mean(small, share, radius), _mean(small, 1 - share, radius)], axis=2)


def _second_step(photo: Picture, alpha: Map, means: Colours, radius: int) -> Picture:
    """The subject's colours in one window, from the mean colours (h, w, 6) of the first step."""
    colours, share = photo.astype(np.float32), np.asarray(cv2.merge([alpha] * 3), np.float32)
    ours, theirs = means[..., :3], means[..., 3:]
    ours = _explained(colours, share, ours, theirs)
    ours, theirs = _mean(ours, alpha, radius), _mean(theirs, 1 - alpha, radius)
    estimated = _explained(colours, share, ours, theirs).astype(np.uint8)
    return np.where(share == 1, photo, estimated)


def _mean(colours: Colours, weight: Map, radius: int) -> Colours:
    """The weighted mean of the colours around each pixel: float32 (h, w, 3)."""
    side = (2 * radius + 1,) * 2
    total = cv2.blur(cv2.multiply(colours, cv2.merge([weight] * 3)), side)
    share = cv2.blur(weight, side) + np.float32(1e-5)
    return np.asarray(cv2.divide(total, cv2.merge([share] * 3)), np.float32)


def _explained(photo: Colours, share: Colours, ours: Colours, theirs: Colours) -> Colours:
    """The colours nearest to `ours` that give the photo when blended with `theirs`."""
    explained = photo - share * ours - (1 - share) * theirs
    explained *= share
    explained += ours
    return np.asarray(np.clip(explained, 0, 255, out=explained))
