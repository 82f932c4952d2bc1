"""Corrections by hand: what lies under a click or a stroke is kept or removed, as far as the photo's edges.

Each pixel of the mask near a stroke belongs to the stroke or to the rest of the mask, whichever is nearer on
a path along which steps across colours cost more (geodesic distance). Source: Criminisi, Sharp and Blake,
GeoS (2008), https://doi.org/10.1007/978-3-540-88682-2_9.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.cutout_settings import Correction

Map = NDArray[np.float32]
Picture = NDArray[np.uint8]
Mask = NDArray[np.bool_]

SIDE = 256  # pixels of the longer side at which paths are found
REACH = 0.2  # of the longer side: farther from the stroke nothing changes
STEP = 0.02  # what a pixel's step costs on a plain area; one from black to white costs about 1
SOFTNESS = 0.7  # standard deviation of the edge of a correction, in pixels at SIDE


def corrected(probability: Map, photo: Picture, corrections: Sequence[Correction], threshold: float) -> Map:
    """The foreground's probability, float32 (h, w), after all corrections in order. `photo` is uint8 RGB of
    any size. Nothing changes farther than REACH from a stroke, and no pixel against its direction."""
    if not corrections:
        return probability
    scale = SIDE / max(photo.shape[:2])
    size = max(1, round(photo.shape[1] * scale)), max(1, round(photo.shape[0] * scale))
    small = cv2.GaussianBlur(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), (0, 0), 1.0)
    scaled = small.astype(np.float32) / np.float32(255)
    colours = np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2LAB), np.float32) / np.float32(100)
    for correction in corrections:
        inside = cv2.resize(probability, size, interpolation=cv2.INTER_LINEAR) >= threshold
        changes = _changes(colours, inside != correction.keep, correction)
        soft = cv2.GaussianBlur(changes.astype(np.float32), (0, 0), SOFTNESS)
        share = cv2.resize(soft, probability.shape[::-1], interpolation=cv2.INTER_LINEAR)
        target = np.float32(correction.keep)
        probability = np.asarray(probability + (target - probability) * share, np.float32)
    return probability


def _changes(colours: Map, open_to_change: Mask, correction: Correction) -> Mask:
    """The pixels, bool (h, w), that the stroke takes from those that are `open_to_change`."""
    stroke = _drawn(correction, open_to_change.shape)
    reach = REACH * max(open_to_change.shape)
    away = cv2.distanceTransform((~stroke).astype(np.uint8), cv2.DIST_L2, 5)
    near = away <= reach
    mine = _distances(colours, stroke, near & (open_to_change | stroke))
    rest = open_to_change & ~stroke & (away > reach - 2) & near
    theirs = _distances(colours, rest, near & open_to_change)
    return np.asarray(stroke | (open_to_change & near & np.isfinite(mine) & (mine < theirs)), np.bool_)


def _drawn(correction: Correction, shape: tuple[int, ...]) -> Mask:
    height, width = shape
    drawn = np.zeros(shape, np.uint8)
    places = [
        (int(min(width - 1, x * width)), int(min(height - 1, y * height))) for x, y in correction.points
    ]
    thick = max(1, round(2 * correction.radius * max(shape)))
    cv2.polylines(drawn, [np.array(places, np.int32)], False, 1, thick)
    for place in places:
        cv2.circle(drawn, place, thick // 2, 1, -1)
    return drawn > 0


def _distances(colours: Map, start: Mask, allowed: Mask) -> Map:
    """The cost of the cheapest path to each pixel from any of `start` through `allowed` ones; infinite where
    there is none. Cheapest paths on the grid of eight neighbours, by Dijkstra's algorithm."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import dijkstra

    shape = start.shape
    far: Map = np.full(shape, np.inf, np.float32)
    usable = allowed | start
    if not start.any():
        return far
    numbers = np.full(shape, -1, np.int64)
    numbers[usable] = np.arange(usable.sum())
    rows, columns, costs = [], [], []
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        first, second = _neighbours(numbers, down, right), _neighbours(numbers, down, right, True)
        both = (first >= 0) & (second >= 0)
        apart = _neighbours(colours, down, right) - _neighbours(colours, down, right, True)
        length = np.float32(np.hypot(down, right))
        rows.append(first[both])
        columns.append(second[both])
        costs.append((np.linalg.norm(apart, axis=-1) + STEP * length)[both])
    count = int(usable.sum())
    ends = np.concatenate(rows), np.concatenate(columns)
    graph = coo_matrix((np.concatenate(costs), ends), shape=(count, count)).tocsr()
    found = dijkstra(graph, directed=False, indices=numbers[start], min_only=True)
    far[usable] = found.astype(np.float32)
    return far


def _neighbours(values: NDArray[Any], down: int, right: int, second: bool = False) -> NDArray[Any]:
    """The pixels that have a neighbour so far down and right, or those neighbours."""
    height, width = values.shape[:2]
    left, other = (0, right) if right >= 0 else (-right, 0)
    if second:
        return values[down:, other : width - left if right < 0 else width]
    return values[: height - down, left : width - other]
