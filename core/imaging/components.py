"""The connected components of a mask, numbered and measured: people, cells, trees, roofs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.imaging.palette import class_colours
from core.imaging.touching import separated

MAX_COLOURS = 40
MAX_COMPONENTS = 5000  # listed; a mask with more is noise


@dataclass(frozen=True, slots=True)
class Component:
    """One connected component. `area`, the box and the centroid (`x`, `y`) in pixels; `share` of the photo in
    0..1."""

    number: int
    area: int
    share: float
    left: int
    top: int
    width: int
    height: int
    x: float
    y: float


def find_components(
    inside: NDArray[np.uint8], smallest: float = 0.0, separate: bool = False
) -> tuple[list[Component], NDArray[np.int32]]:
    """The components of a mask of 0 and 1, uint8 (h, w), largest first, without those below the fraction
    `smallest` of it, and a map of their numbers, int32 (h, w), 0 where there is none. With `separate`, each
    of the objects that touch is a component of its own.
    """
    count, labels, stats, centres = _measured(inside) if separate else _connected(inside)
    order = np.argsort(-stats[1:, cv2.CC_STAT_AREA], kind="stable") + 1
    numbers = np.zeros(count, np.int32)
    found: list[Component] = []
    for index in order[:MAX_COMPONENTS]:
        left, top, width, height, area = (int(n) for n in stats[index])
        if area < smallest * inside.size:
            break
        x, y = (float(n) for n in centres[index])
        found.append(Component(len(found) + 1, area, area / inside.size, left, top, width, height, x, y))
        numbers[index] = len(found)
    return found, numbers[labels]


Found = tuple[int, NDArray[np.int32], NDArray[np.int64], NDArray[np.float64]]


def _connected(inside: NDArray[np.uint8]) -> Found:
    count, labels, stats, centres = cv2.connectedComponentsWithStats(inside, connectivity=8)
    return count, np.asarray(labels, np.int32), np.asarray(stats, np.int64), np.asarray(centres, np.float64)


def _measured(inside: NDArray[np.uint8]) -> Found:
    """Number and labels of separated objects, and of each its left, top, width, height and area, and its
    centroid, as OpenCV gives them."""
    from scipy.ndimage import center_of_mass, find_objects

    count, labels = separated(inside)
    stats, centres = np.zeros((count, 5), np.int64), np.zeros((count, 2))
    areas = np.bincount(labels.ravel(), minlength=count)
    for index, box in enumerate(find_objects(labels, count - 1), 1):
        if box is None:
            continue
        rows, columns = box
        y, x = center_of_mass(labels[box] == index)
        stats[index] = (
            columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start, areas[index],
        )  # fmt: skip
        centres[index] = columns.start + x, rows.start + y
    return count, labels, stats, centres


def inner_point(component: Component, numbers: NDArray[np.int32]) -> tuple[float, float]:
    """A point well inside a component, x and y as fractions of width and height, which identifies the
    component at any size of the photo."""
    rows = slice(component.top, component.top + component.height)
    columns = slice(component.left, component.left + component.width)
    own = np.pad((numbers[rows, columns] == component.number).astype(np.uint8), 1)
    depth = cv2.distanceTransform(own, cv2.DIST_L2, 3)
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    height, width = numbers.shape
    return (component.left + int(x) - 0.5) / width, (component.top + int(y) - 0.5) / height


def numbered(
    photo: NDArray[np.uint8], components: Sequence[Component], numbers: NDArray[np.int32]
) -> NDArray[np.uint8]:
    """The photo with each component tinted, boxed and numbered: RGB uint8 (h, w, 3)."""
    table = class_colours(min(len(components), MAX_COLOURS) + 1)
    colours = table[(numbers - 1) % len(table)]
    tinted = (photo * np.float32(0.5) + colours * np.float32(0.5)).astype(np.uint8)
    picture = np.where(numbers[..., None] > 0, tinted, photo)
    thick = max(1, round(max(photo.shape[:2]) / 500))
    size = max(0.5, max(photo.shape[:2]) / 700)
    for component in components:
        colour = [int(c) for c in table[(component.number - 1) % len(table)]]
        corner = component.left + component.width - 1, component.top + component.height - 1
        cv2.rectangle(picture, (component.left, component.top), corner, colour, thick)
    for component in components:  # on top of every box
        text, font = str(component.number), cv2.FONT_HERSHEY_SIMPLEX
        (wide, high), _ = cv2.getTextSize(text, font, size, thick)
        place = round(component.x - wide / 2), round(component.y + high / 2)
        cv2.putText(picture, text, place, font, size, (0, 0, 0), 3 * thick, cv2.LINE_AA)
        cv2.putText(picture, text, place, font, size, (255, 255, 255), thick, cv2.LINE_AA)
    return np.asarray(picture, np.uint8)


def component_table(components: Sequence[Component], file: str = "", scale: float = 1.0) -> pd.DataFrame:
    """A row for each component, after a column with the `file` if that is given. `scale` is the photo's
    size divided by the mask's."""
    rows = [asdict(component) for component in components]
    table = pd.DataFrame(rows, columns=list(Component.__dataclass_fields__))
    lengths = ["left", "top", "width", "height", "x", "y"]
    table[lengths] = (table[lengths] * scale).round().astype(int)
    table["area"] = (table["area"] * scale**2).round().astype(int)
    if file:
        table.insert(0, "file", file)
    return table
