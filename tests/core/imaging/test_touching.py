"""Objects that touch are told apart where their mask has a neck."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from core.cutout_settings import CutOutSettings
from core.imaging.components import find_components
from core.imaging.matting import alpha_of
from core.imaging.touching import separated


def discs(*places: tuple[int, int, int], size: tuple[int, int] = (300, 400)) -> NDArray[np.uint8]:
    """Discs at (x, y, radius)."""
    mask = np.zeros(size, np.uint8)
    for x, y, radius in places:
        cv2.circle(mask, (x, y), radius, 1, -1)
    return mask


TWO = discs((120, 150, 60), (225, 150, 55))


def test_two_discs_that_touch_are_two_objects_with_their_own_places() -> None:
    together, _ = find_components(TWO)
    apart, numbers = find_components(TWO, separate=True)
    assert len(together) == 1 and len(apart) == 2
    for found, (x, radius) in zip(apart, [(120, 60), (225, 55)], strict=True):
        assert found.x == pytest.approx(x, abs=3) and found.y == pytest.approx(150, abs=1)
        assert found.area == pytest.approx(np.pi * radius**2, rel=0.04)
        assert (numbers == found.number).sum() == found.area
    assert ((numbers > 0) == (TWO > 0)).all()


@pytest.mark.parametrize(
    "mask",
    [
        discs((120, 150, 60)),
        cv2.rectangle(np.zeros((300, 400), np.uint8), (50, 140), (350, 160), 1, -1),  # a bar
        cv2.line(discs((120, 150, 60)), (120, 150), (330, 150), 1, 15),  # a disc with a tail
        discs((60, 60, 30), (200, 200, 50), (330, 80, 40)),  # three that do not touch
        np.zeros((30, 40), np.uint8),
        np.ones((30, 40), np.uint8),
    ],
)
def test_what_has_no_neck_stays_as_it_is(mask: NDArray[np.uint8]) -> None:
    usual, separate = find_components(mask), find_components(mask, separate=True)
    assert usual[0] == pytest.approx(separate[0]) or usual[0] == separate[0]
    assert np.array_equal(usual[1] > 0, separate[1] > 0) and len(usual[0]) == len(separate[0])


def test_a_chain_is_as_many_objects_as_it_has_links() -> None:
    chain = discs(*[(60 + 70 * i, 150, 38) for i in range(5)])
    assert len(find_components(chain, separate=True)[0]) == 5


def test_a_clump_of_many_is_as_many_objects() -> None:
    clump = discs(*[(30 + 36 * (i % 10), 30 + 36 * (i // 10), 20) for i in range(60)])
    found, numbers = find_components(clump, smallest=0.0, separate=True)
    assert len(found) == 60 and ((numbers > 0) == (clump > 0)).all()


def test_small_objects_in_a_large_photo_are_told_apart_as_well() -> None:
    places = [(60 + 120 * (i % 20), 60 + 120 * (i // 20), 16) for i in range(200)]
    pairs = discs(*places, *[(x + 29, y + 5, r - 2) for x, y, r in places], size=(1800, 2500))
    assert separated(pairs)[0] - 1 == 400


@pytest.mark.parametrize("scale", [0.5, 4])
def test_the_count_does_not_depend_on_the_size_of_the_photo(scale: float) -> None:
    resized = cv2.resize(TWO, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
    assert separated(resized)[0] - 1 == 2


def test_objects_apart_by_one_pixel_never_mix() -> None:
    mask = np.zeros((2000, 1600), np.uint8)
    mask[100:1900, 100:799] = 1
    mask[100:1900, 800:1500] = 1  # apart by one column, which the small size does not see
    count, labels = separated(mask)
    assert count == 3 and len(np.unique(labels[:, :799])) == 2 and len(np.unique(labels[:, 800:])) == 2


def test_one_of_two_that_touch_can_be_kept_alone() -> None:
    for settings in (
        CutOutSettings(only_largest=True, separate_touching=True),
        CutOutSettings(keep=((120 / 400, 0.5),), separate_touching=True),
    ):
        alpha = alpha_of(TWO.astype(np.float32), 0.5, settings)
        assert alpha[150, 90] == 1 and alpha[150, 240] == 0
    assert alpha_of(TWO.astype(np.float32), 0.5, CutOutSettings(only_largest=True))[150, 240] == 1
