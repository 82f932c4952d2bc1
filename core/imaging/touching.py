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

SIDE, MOST = 512, 2048  # pixels of the longer side at which cores and necks are found; more for small objects
CLEAR = 8.0  # pixels from the edge to the core of the middle component, below which necks are lost
NECK = 0.75  # a neck is at most this wide, as a share of the smaller object's width
SMALLEST_CORE = 0.5  # of the widest object of the same component: arms and tails are no objects
SMALLEST_SHARE = 0.03  # of the largest piece of the same component: smaller ones belong to it


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
    """The basin of each pixel, int32 of at most MOST pixels: that of the nearest object also where there is
    none. None where no component has a neck."""
    from scipy.ndimage import distance_transform_edt, maximum
    from skimage.morphology import h_maxima
    from skimage.segmentation import watershed

    small, depth = _depth(inside, SIDE)
    count, components = cv2.connectedComponents(small, connectivity=8)
    deepest = np.asarray(maximum(depth, components, np.arange(count)))
    usual = float(np.median(deepest[1:])) if count > 1 else CLEAR
    if usual < CLEAR and max(inside.shape) > SIDE:
        small, depth = _depth(inside, min(MOST, round(SIDE * CLEAR / usual)))
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


def _depth(inside: Mask, side: int) -> tuple[Mask, NDArray[np.float32]]:
    """The mask at this many pixels of its longer side at most, and how far each of its pixels is from its
    edge, float32 (h, w)."""
    scale = min(1.0, side / max(inside.shape))
    size = max(1, round(inside.shape[1] * scale)), max(1, round(inside.shape[0] * scale))
    small = (cv2.resize(inside * np.uint8(255), size, interpolation=cv2.INTER_AREA) >= 128).astype(np.uint8)
    padded = np.pad(small, 1)  # the edge of the photo is an edge of the object
    return small, np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1], np.float32)


def _numbered(
    pairs: NDArray[np.int64], values: NDArray[np.int64], areas: NDArray[np.int64], basins: int
) -> tuple[int, Labels]:
    """Labels from 1 for each pair of component and basin; pieces too small are given to the largest of their
    component."""
    areas_of = {value: area for value, area in zip(values.tolist(), areas.tolist(), strict=True) if value}
    largest: dict[int, int] = {}
    for value, area in areas_of.items():
        if area > areas_of.get(largest.get(value // basins, 0), 0):
            largest[value // basins] = value
    own = {0: 0}
    for value, area in areas_of.items():
        if area >= SMALLEST_SHARE * areas_of[largest[value // basins]]:
            own[value] = len(own)
    table = [own[value] if value in own else own[largest[value // basins]] for value in values.tolist()]
    return len(own), np.asarray(np.array(table, np.int32)[np.searchsorted(values, pairs)], np.int32)
