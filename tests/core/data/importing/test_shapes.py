"""What shapes cover, and numbers that cannot be."""

import math

import numpy as np
import pytest

from core.data.importing.shapes import BoxRuns, CocoShape, Ellipse, Polygons, Shape, Shares, StartRuns


def test_holes_are_cut_out_of_polygons() -> None:
    square, hole = [0, 0, 8, 0, 8, 8, 0, 8], [2, 2, 6, 2, 6, 6, 2, 6]
    inside = Polygons([square], [hole]).inside(8, 10)
    truth = np.zeros((8, 10), bool)
    truth[:, :8], truth[2:6, 2:6] = True, False
    assert np.array_equal(inside, truth)


def test_run_lengths_of_a_box_lie_at_its_corner_row_by_row() -> None:
    inside = BoxRuns((1, 3, 2), left=4, top=1, width=3, height=2).inside(5, 9)
    assert np.argwhere(inside).tolist() == [[1, 5], [1, 6], [2, 4]]


def test_an_ellipse_is_turned_clockwise() -> None:
    inside = Ellipse(10, 10, 8, 2, 45).inside(20, 20)
    assert inside[14, 14] and inside[5, 5] and not inside[14, 5] and not inside[5, 14]


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 1e308, 10**20])
@pytest.mark.parametrize("at", [0, 4, 5])
def test_points_that_are_no_places_of_the_photo_are_refused(number: float, at: int) -> None:
    points: list[float] = [1, 1, 5, 1, 5, 5]
    points[at] = number
    shares = np.array(points, np.float64)
    for shape in (Polygons([points]), CocoShape([points]), Shares(shares), Ellipse(number, 1, 2, 2)):
        if isinstance(shape, Ellipse) and math.isfinite(number):
            assert not shape.inside(8, 8).any()
        else:
            with pytest.raises((ValueError, OverflowError)):
                shape.inside(8, 8)


@pytest.mark.parametrize(
    "shape",
    [
        BoxRuns((1, 3, 2), left=90, top=1, width=3, height=2),
        BoxRuns((1, 3, 9), left=1, top=1, width=3, height=2),
        BoxRuns((-1, 5, 2), left=1, top=1, width=3, height=2),
        BoxRuns((10**18,), left=1, top=1, width=10**9, height=10**9),
        StartRuns(np.array([60, 9])),
        StartRuns(np.array([0, 2])),
        Ellipse(3, 3, 0, 2),
    ],
)
def test_runs_and_sizes_that_do_not_fit_the_photo_are_refused(shape: Shape) -> None:
    with pytest.raises(ValueError, match=r"."):
        shape.inside(8, 8)
