"""Clicks as somebody would place them who knows the truth: the protocol by which models are compared, and the
source of clicks in training."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.labelling.prompts import Click, Stroke

Mask = NDArray[np.bool_]
Distances = NDArray[np.float32]


def next_click(
    truth: Mask,
    found: Mask,
    clicks: Sequence[Click] = (),
    void: Mask | None = None,
    random: np.random.Generator | None = None,
) -> Click | None:
    """The click that corrects `found`, (h, w) as `truth`: in the middle of its largest error, which is the
    pixel of a missing or superfluous region that is farthest from the region's edge. None where nothing is
    left to correct.

    Where `void`, nothing counts as an error; pixels of earlier `clicks` are not clicked again. With `random`,
    anywhere in the inner half of the error, as people click. Source: Xu et al., Deep Interactive Object
    Selection (2016), as in Sofiiuk et al., Reviving Iterative Training with Mask Guidance (2021).
    """
    inside = ~void if void is not None else np.ones(truth.shape, np.bool_)
    missing, superfluous = _depth(truth & ~found & inside), _depth(~truth & found & inside)
    for click in clicks:
        row, column = int(click.y), int(click.x)
        if 0 <= row < truth.shape[0] and 0 <= column < truth.shape[1]:
            missing[row, column] = superfluous[row, column] = 0
    is_missing = bool(missing.max() >= superfluous.max())
    depth = missing if is_missing else superfluous
    if depth.max() <= 0:
        return None
    row, column = _middle(depth, random)
    return Click(column + 0.5, row + 0.5, positive=is_missing)


def next_stroke(truth: Mask, found: Mask, clicks: Sequence[Click] = ()) -> Stroke | None:
    """The stroke that corrects `found`: through the middle of its largest error, as long as the error's
    straight part and half as wide. None where nothing is left to correct."""
    click = next_click(truth, found, clicks)
    if click is None:
        return None
    wrong = (truth & ~found) if click.positive else (~truth & found)
    depth = _depth(wrong)
    row, column = int(click.y), int(click.x)
    radius = max(1.0, 0.5 * float(depth[row, column]))
    ends = _longest_line(depth, row, column, radius)
    return Stroke(ends, radius, int(click.positive))


@dataclass(frozen=True, slots=True)
class Trace:
    """Of one object: Dice and IoU after each click, and what each answer took in seconds, by the clock and of
    processor time."""

    dice: tuple[float, ...]
    iou: tuple[float, ...]
    seconds: tuple[float, ...]
    cpu_seconds: tuple[float, ...] = ()

    def dice_after(self, clicks: int) -> float:
        """The last one, where nothing was left to correct before."""
        return self.dice[min(clicks, len(self.dice)) - 1]

    def clicks_to(self, iou: float, most: int) -> int:
        """The number of clicks (NoC) until the mask is as good as that; `most` where it never is."""
        return next((n for n, value in enumerate(self.iou, 1) if value >= iou), most)


Answer = Callable[[Sequence[Click], NDArray[np.float32] | None], NDArray[np.float32]]


def simulate(truth: Mask, answer: Answer, most: int, void: Mask | None = None) -> Trace:
    """Click on an object (h, w) up to `most` times, each click on the largest error of the answer before.

    `answer` takes all clicks and the probability mask before, None at first, and returns one (h, w).
    """
    inside = ~void if void is not None else np.ones(truth.shape, np.bool_)
    clicks: list[Click] = []
    found, before = np.zeros(truth.shape, np.bool_), None
    dice, iou, seconds, cpu_seconds = [], [], [], []
    while len(clicks) < most:
        click = next_click(truth, found, clicks, void)
        if click is None:
            break
        clicks.append(click)
        start, cpu_start = time.perf_counter(), time.process_time()
        before = answer(clicks, before)
        seconds.append(time.perf_counter() - start)
        cpu_seconds.append(time.process_time() - cpu_start)
        found = before >= 0.5
        both = int((found & truth & inside).sum())
        either = int(((found | truth) & inside).sum())
        iou.append(both / max(1, either))
        dice.append(2 * both / max(1, both + either))
    return Trace(tuple(dice), tuple(iou), tuple(seconds), tuple(cpu_seconds))


def _depth(region: Mask) -> Distances:
    """The distance of each pixel of a region from what is not region; beyond the border nothing is."""
    padded = np.pad(region.astype(np.uint8), 1)
    return np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1], np.float32).copy()


def _middle(depth: Distances, random: np.random.Generator | None) -> tuple[int, int]:
    if random is None:
        row, column = np.unravel_index(int(depth.argmax()), depth.shape)
        return int(row), int(column)
    rows, columns = np.nonzero(depth > depth.max() / 2)
    chosen = int(random.integers(len(rows)))
    return int(rows[chosen]), int(columns[chosen])


def _longest_line(
    depth: Distances, row: int, column: int, radius: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """The ends of the longest straight line through a pixel that stays `radius` from the region's edge."""
    best, length = ((column + 0.5, row + 0.5), (column + 0.5, row + 0.5)), 0.0
    for angle in np.arange(8) * (np.pi / 8):
        across, down = float(np.cos(angle)), float(np.sin(angle))
        forward = _reach(depth, row, column, (down, across), radius)
        back = _reach(depth, row, column, (-down, -across), radius)
        if forward + back > length:
            length = forward + back
            best = (
                (column + 0.5 - back * across, row + 0.5 - back * down),
                (column + 0.5 + forward * across, row + 0.5 + forward * down),
            )
    return best


def _reach(depth: Distances, row: int, column: int, step: tuple[float, float], radius: float) -> float:
    """How many pixels one can go from a pixel in a direction (down, across)."""
    count = np.arange(1, max(depth.shape))
    rows, columns = np.round(row + count * step[0]), np.round(column + count * step[1])
    inside = (rows >= 0) & (rows < depth.shape[0]) & (columns >= 0) & (columns < depth.shape[1])
    free = np.zeros(len(count), bool)
    here = depth[rows[inside].astype(int), columns[inside].astype(int)]
    free[inside] = here >= radius + 1  # what is drawn is rounded
    return float(len(count) if free.all() else free.argmin())
