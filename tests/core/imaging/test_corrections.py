"""Clicks and strokes keep or remove what lies under them, as far as the photo's edges."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from core.cutout_settings import Correction, CutOutSettings
from core.errors import UserError
from core.imaging.corrections import REACH, corrected
from core.inference.cutout import from_map

Map = NDArray[np.float32]


def scene() -> tuple[NDArray[np.uint8], Map]:
    """An orange subject with a green thing at its side, both predicted as subject, and a yellow thing that is
    missed. 200x300 pixels, and a map of a quarter of that."""
    photo = np.full((200, 300, 3), (40, 60, 180), np.uint8)
    photo[40:180, 60:140] = (230, 120, 20)
    photo[90:140, 140:180] = (20, 160, 40)
    photo[20:60, 240:280] = (240, 230, 60)
    probability = np.zeros((200, 300), np.float32)
    probability[40:180, 60:140] = 1
    probability[90:140, 140:180] = 0.9
    return photo, np.asarray(cv2.resize(probability, (75, 50), interpolation=cv2.INTER_AREA), np.float32)


def mask_of(photo: NDArray[np.uint8], small: Map, *corrections: Correction) -> NDArray[np.bool_]:
    settings = CutOutSettings(0.5, refine_edges=True, corrections=corrections)
    return from_map(photo, small, settings).mask > 0


REMOVED = Correction(False, ((160 / 300, 115 / 200),))
KEPT = Correction(True, ((260 / 300, 40 / 200),))


def test_one_click_removes_a_part_of_another_colour_and_nothing_else() -> None:
    photo, small = scene()
    before, after = mask_of(photo, small), mask_of(photo, small, REMOVED)
    assert before[115, 160] and before[100, 100]
    assert after[92:138, 145:178].mean() < 0.03 and after[44:176, 64:134].mean() > 0.99
    assert not (after & ~before).any()


def test_one_click_keeps_a_part_that_was_missed_up_to_its_edge() -> None:
    photo, small = scene()
    before, after = mask_of(photo, small), mask_of(photo, small, KEPT)
    assert after[23:57, 243:277].mean() > 0.97 and after[:15].sum() == 0 and after[:, 290:].sum() == 0
    assert not (before & ~after).any()


def test_far_from_a_stroke_nothing_changes() -> None:
    photo, small = scene()
    rows, columns = np.mgrid[:50, :75]
    far = np.hypot(columns + 0.5 - 40, rows + 0.5 - 28.75) > REACH * 75 + 5
    for correction in (REMOVED, replace(REMOVED, keep=True)):
        assert np.array_equal(corrected(small, photo, [correction], 0.5)[far], small[far])


def test_later_corrections_win_and_none_is_the_same_map() -> None:
    photo, small = scene()
    assert corrected(small, photo, [], 0.5) is small
    back = mask_of(photo, small, REMOVED, replace(REMOVED, keep=True))
    assert back[92:138, 145:178].mean() > 0.97


def test_a_stroke_takes_all_that_it_runs_over() -> None:
    photo, small = scene()
    stroke = Correction(False, ((0.22, 0.25), (0.22, 0.85)), 0.02)
    after = mask_of(photo, small, stroke)
    assert not after[50:170, 64:68].any()


def test_a_correction_looks_the_same_at_any_size_of_the_photo() -> None:
    photo, small = scene()
    large = cv2.resize(photo, (900, 600), interpolation=cv2.INTER_LINEAR)
    once, thrice = mask_of(photo, small, REMOVED), mask_of(large, small, REMOVED)
    shrunk = cv2.resize(thrice.astype(np.uint8), (300, 200), interpolation=cv2.INTER_AREA) > 0
    assert (once != shrunk).mean() < 0.02


@pytest.mark.parametrize("points", [(), ((1.2, 0.5),), ((0.5, float("nan")),)])
def test_points_outside_of_the_photo_are_refused(points: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(UserError, match="outside the photo"):
        Correction(True, points)
