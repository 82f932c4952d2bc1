"""Enlarging a probability map along the photo's edges, with a guided filter.

The network sees a photo at reduced size. Enlarged by interpolation alone, its map is soft at the subject's
edge; the filter aligns it with the colours of the photo.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float32]

RADIUS = 4  # pixels of the small map; benchmarks/edges.py compares others
EPSILON = 1e-4  # variance of colour, 0..1, below which a neighbourhood counts as flat
STRIP_PIXELS = 4_000_000  # filtered at once; each takes some 100 bytes
CERTAIN = 0.02  # probabilities this close to 0 or 1 are not changed, or there is haze far from edges


def enlarge(probability: Map, photo: NDArray[np.uint8], fine: bool = True) -> Map:
    """Enlarge a map to the photo's size: with the guided filter, or if not `fine` by interpolation alone.
    Shapes as in `refine`."""
    if fine:
        return refine(probability, photo)
    size = photo.shape[1], photo.shape[0]
    return np.asarray(cv2.resize(probability, size, interpolation=cv2.INTER_LINEAR), np.float32)


def refine(probability: Map, photo: NDArray[np.uint8], radius: int = RADIUS, epsilon: float = EPSILON) -> Map:
    """Enlarge a map, float32 (h, w) in 0..1, to the size of the photo, uint8 (H, W, 3): float32 (H, W).

    Around each pixel the map is modelled as linear in the photo's colour; the fit at the small size is
    applied at the large one. Source: He and Sun, Fast Guided Filter (2015),
    https://arxiv.org/abs/1505.00996.

    A map that already has the size of the photo is filtered in strips, in memory that does not grow with it.
    """
    if probability.shape == photo.shape[:2] and probability.size > STRIP_PIXELS:
        return _in_strips(probability, photo, radius, epsilon)
    return _refined(probability, photo, radius, epsilon)


def _refined(probability: Map, photo: NDArray[np.uint8], radius: int, epsilon: float) -> Map:
    height, width = probability.shape
    small = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(
        255
    )
    slope, offset = _fit(small, probability, radius, epsilon)
    size = photo.shape[1], photo.shape[0]
    fine = np.asarray(cv2.resize(probability, size, interpolation=cv2.INTER_LINEAR), np.float32)
    # Most pixels are certain: filtering only the others takes half the time.
    unsure = np.flatnonzero((fine >= CERTAIN) & (fine <= 1 - CERTAIN))
    colours = photo.reshape(-1, 3)[unsure] * np.float32(1 / 255)
    values = cv2.resize(offset, size, interpolation=cv2.INTER_LINEAR).ravel()[unsure]
    for channel in range(3):
        wide = cv2.resize(slope[..., channel], size, interpolation=cv2.INTER_LINEAR)
        values = values + wide.ravel()[unsure] * colours[:, channel]
    np.clip(values, 0, 1, out=values)
    fine.ravel()[unsure] = np.abs(values)  # -0 becomes 0, because histograms sort by the bits
    return fine


def _in_strips(probability: Map, photo: NDArray[np.uint8], radius: int, epsilon: float) -> Map:
    height, width = probability.shape
    rows = max(1, STRIP_PIXELS // width - 4 * radius)
    found = np.empty_like(probability)
    for top in range(0, height, rows):
        # A pixel is changed by those around it in two means, one after the other.
        first, last = max(0, top - 2 * radius), min(height, top + rows + 2 * radius)
        strip = _refined(probability[first:last], photo[first:last], radius, epsilon)
        found[top : top + rows] = strip[top - first : top - first + rows]
    return found


def _fit(
    guide: NDArray[np.float32], target: Map, radius: int, epsilon: float
) -> tuple[NDArray[np.float32], Map]:
    """Slope (h, w, 3) and offset (h, w) of the best linear fit around each pixel, averaged over the fits
    that each pixel takes part in."""
    side = 2 * radius + 1

    def mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(cv2.blur(values, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)

    guide_mean, target_mean = mean(guide), mean(target)
    together = mean(guide * target[..., None]) - guide_mean * target_mean[..., None]
    spread = {
        (i, j): mean(guide[..., i] * guide[..., j])
        - guide_mean[..., i] * guide_mean[..., j]
        + np.float32(epsilon if i == j else 0)
        for i in range(3)
        for j in range(i, 3)
    }
    slope = _solved(spread, together)
    offset = target_mean - (slope * guide_mean).sum(axis=2)
    return mean(slope), mean(offset)


def _solved(matrix: dict[tuple[int, int], Map], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """Solve Ax = b in each pixel, for symmetric 3x3 A given by its upper triangle, by cofactors: a general
    solver takes ten times as long for a hundred thousand small systems."""
    a, b, c = matrix[0, 0], matrix[0, 1], matrix[0, 2]
    d, e, f = matrix[1, 1], matrix[1, 2], matrix[2, 2]
    xx, xy, xz = d * f - e * e, c * e - b * f, b * e - c * d
    yy, yz, zz = a * f - c * c, b * c - a * e, a * d - b * b
    determinant = a * xx + b * xy + c * xz
    rows = ((xx, xy, xz), (xy, yy, yz), (xz, yz, zz))
    x, y, z = (right[..., i] for i in range(3))
    solved = [(row[0] * x + row[1] * y + row[2] * z) / determinant for row in rows]
    return np.stack(solved, axis=-1)
