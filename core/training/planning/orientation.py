"""Whether photos have an up and a left, measured from what is alike in all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 32  # pixels of the small copies that are looked at
LEAST_PHOTOS = 12  # with fewer, chance looks like a rule
CLEAR = 0.4  # mean over standard deviation from which a difference is taken for a property of the photos
CLEAR_ACROSS = 0.8  # the same for left and right: photos are rarely as different there as it seems
CERTAIN = 3.0  # standard errors
# A spread below which a difference does not matter, however constant it is: of brightness and colour in grey
# levels, of contrast, of directions (logarithm), and of where a class lies (share of the side).
SLIGHT = (4.0, 4.0, 1.0, 0.25, 0.05)
SIDES = ("left", "right")


@dataclass(frozen=True, slots=True)
class Orientation:
    """`flips` are the most that leave photos as plausible as they were, of TrainConfig.flips; `evidence` says
    what was measured."""

    flips: str
    evidence: str


def differences(photo: NDArray[np.uint8], layers: Sequence[NDArray[np.bool_]]) -> NDArray[np.float64]:
    """How top and bottom, left and right, and the two directions of a photo (h, w, 3) differ.

    float64 (3, 4 + classes), NaN where a class is absent: for top to bottom and left to right the
    differences in brightness, colour and contrast and where each class lies; for the directions those in
    contrast.
    """
    small = cv2.resize(photo, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float64)
    grey, blue = small.mean(axis=2), small[..., 2] - small[..., 0]
    contrast = np.abs(np.diff(grey, axis=0))[:, 1:] + np.abs(np.diff(grey, axis=1))[1:]
    rows = []
    for axis in (0, 1):
        parts = [_halves(picture, axis) for picture in (grey, blue, contrast)]
        rows.append([first - second for first, second in parts] + [0.0] + [_centre(x, axis) for x in layers])
    whole = photo.mean(axis=2)  # not stretched, which would favour a direction
    rows.append([0.0, 0.0, 0.0, _direction(whole)] + [_direction(layer) for layer in layers])
    return np.array(rows)


def orientation_of(found: Sequence[NDArray[np.float64]], classes: Sequence[str]) -> Orientation:
    """Which flips are harmless, by the `differences` of many photos and the names of the classes."""
    if any(side in name.casefold().split() for name in classes for side in SIDES):
        return Orientation("none", "classes are named by their side")
    if len(found) < LEAST_PHOTOS:
        return Orientation("horizontal", f"{len(found)} photos are too few to tell whether they have an up")
    vertical, horizontal, directions = (_clearest(np.array([one[i] for one in found])) for i in range(3))
    if horizontal > CLEAR_ACROSS:
        return Orientation(
            "none", f"left and right differ in the same way throughout ({horizontal:.1f} standard deviations)"
        )
    if vertical > CLEAR:
        return Orientation(
            "horizontal",
            f"top and bottom differ in the same way throughout ({vertical:.1f} standard deviations)",
        )
    alike = _at_most(max(vertical, horizontal))
    if max(directions, horizontal) > CLEAR:
        return Orientation(
            "both",
            f"top and bottom are alike ({alike}), the directions not",
        )
    return Orientation("turns", f"no side differs from another throughout ({alike})")


def _at_most(highest: float) -> str:
    return f"at most {highest:.1f} standard deviations" if highest else "by no more than chance"


def _halves(picture: NDArray[np.float64], axis: int) -> tuple[float, float]:
    first, second = np.array_split(picture, 2, axis=axis)
    return float(first.mean()), float(second.mean())


def _centre(layer: NDArray[np.bool_], axis: int) -> float:
    """Where the class lies along an axis, from -0.5 to 0.5; NaN where it is not."""
    along = layer.sum(axis=1 - axis)
    total = along.sum()
    return float((np.arange(len(along)) + 0.5) @ along / total / len(along) - 0.5) if total else float("nan")


def _direction(picture: NDArray[np.floating] | NDArray[np.bool_]) -> float:
    """How much more a picture (h, w) changes on the way down than across, as a logarithm; NaN where it does
    not change at all."""
    values = picture.astype(np.float64)
    down, across = (float(np.abs(np.diff(values, axis=axis)).mean()) for axis in (0, 1))
    return float(np.log((down + 1e-6) / (across + 1e-6))) if down or across else float("nan")


def _clearest(values: NDArray[np.float64]) -> float:
    """Of columns of measurements, the largest mean in standard deviations among those beyond chance, or 0."""
    found = 0.0
    for index, column in enumerate(values.T):
        known = column[np.isfinite(column)]
        if len(known) < LEAST_PHOTOS or not known.any():
            continue
        effect = abs(known.mean()) / max(known.std(ddof=1), SLIGHT[min(index, len(SLIGHT) - 1)])
        if effect * np.sqrt(len(known)) > CERTAIN:
            found = max(found, float(effect))
    return found
