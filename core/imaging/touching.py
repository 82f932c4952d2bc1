"""Objects that touch, told apart where their mask has a neck: distance transform and watershed.

An object has a core where the distance to its edge has a maximum; a neck is a saddle between two cores.
Source: Vincent and Soille, Watersheds in digital spaces (1991), https://doi.org/10.1109/34.87344.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.uint8]
Labels = NDArray[np.int32]

SIDE = 512  # pixels of the longer side at which cores and necks are found
NECK = 0.75  # a neck is at most this wide, as a share of the smaller object's width
SMALLEST_CORE = 0.5  # of the widest object of the same component: arms and tails are no objects
SMALLEST_SHARE = 0.03  # of a component: smaller pieces belong to their neighbour


def separated(inside: Mask) -> tuple[int, Labels]:
    """The objects in a mask of 0 and 1, uint8 (h, w): the number of labels with the background's, and the
    label of each pixel, int32 (h, w), 0 where there is no object."""
    count, components = cv2.connectedComponents(inside, connectivity=8)
    basins = _basins(inside)
    if basins is None:
        return count, np.asarray(components, np.int32)
    height, width = inside.shape
    wide = cv2.resize(basins, (width, height), interpolation=cv2.INTER_NEAREST)
    # A basin never reaches from one component into another.
    pairs = np.where(inside > 0, components.astype(np.int64) * (int(wide.max()) + 1) + wide, 0)
    values, areas = np.unique(pairs, return_counts=True)
    return _numbered(pairs, values, areas, int(wide.max()) + 1)


def _basins(inside: Mask) -> Labels | None:
    """The basin of each pixel, int32 of at most SIDE pixels: that of the nearest object also where there is
    none. None where no component has a neck."""
    from scipy.ndimage import distance_transform_edt, maximum
    from skimage.morphology import h_maxima
    from skimage.segmentation import watershed

    scale = min(1.0, SIDE / max(inside.shape))
    size = max(1, round(inside.shape[1] * scale)), max(1, round(inside.shape[0] * scale))
    small = (cv2.resize(inside * np.uint8(255), size, interpolation=cv2.INTER_AREA) >= 128).astype(np.uint8)
    padded = np.pad(small, 1)  # the edge of the photo is an edge of the object
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    count, components = cv2.connectedComponents(small, connectivity=8)
    deepest = np.asarray(maximum(depth, components, np.arange(count)))
    # Of logarithms, a height is a ratio of widths, whatever the size of the object.
    tops = h_maxima(np.log1p(depth), math.log(1 / NECK))  # type: ignore[no-untyped-call]
    peaks = np.asarray(tops, np.uint8)
    peaks[(depth < SMALLEST_CORE * deepest[components]) | (small == 0)] = 0
    cores, markers = cv2.connectedComponents(peaks, connectivity=8)
    if cores <= count:  # one for each component, and the background
        return None
    found = watershed(-depth, markers, mask=small > 0)  # type: ignore[no-untyped-call]
    nearest = distance_transform_edt(found == 0, return_distances=False, return_indices=True)
    return np.asarray(found[tuple(nearest)], np.int32)


def _numbered(
    pairs: NDArray[np.int64], values: NDArray[np.int64], areas: NDArray[np.int64], basins: int
) -> tuple[int, Labels]:
    """Labels from 1 for each pair of component and basin; pieces too small are given to the largest of their
    component."""
    largest: dict[int, tuple[int, int]] = {}
    total: dict[int, int] = {}
    for value, area in zip(values[values > 0].tolist(), areas[values > 0].tolist(), strict=True):
        component = value // basins
        total[component] = total.get(component, 0) + area
        if area > largest.get(component, (0, 0))[0]:
            largest[component] = area, value
    own = {0: 0}
    for value, area in zip(values[values > 0].tolist(), areas[values > 0].tolist(), strict=True):
        if area >= SMALLEST_SHARE * total[value // basins]:
            own[value] = len(own)
    table = [own.get(value, own.get(largest.get(value // basins, (0, 0))[1], 0)) for value in values.tolist()]
    return len(own), np.asarray(np.array(table, np.int32)[np.searchsorted(values, pairs)], np.int32)
