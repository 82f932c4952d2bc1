from collections.abc import Sequence

import numpy as np
import pytest

from core.labelling.prompts import Click, draw
from core.labelling.simulation import Trace, next_click, next_stroke, simulate


def disc(row: int, column: int, radius: int, side: int = 60) -> np.ndarray:
    y, x = np.mgrid[:side, :side]
    return (y - row) ** 2 + (x - column) ** 2 <= radius**2


NOTHING = np.zeros((60, 60), bool)


def test_the_first_click_is_in_the_middle_of_the_object() -> None:
    click = next_click(disc(20, 30, 9), NOTHING)
    assert click is not None and click.positive
    assert abs(click.y - 20.5) <= 1 and abs(click.x - 30.5) <= 1


def test_an_object_at_the_border_is_clicked_away_from_it() -> None:
    truth = NOTHING.copy()
    truth[:, :20] = True
    click = next_click(truth, NOTHING)
    assert click is not None and 8 <= click.x <= 12 and 8 <= click.y <= 52


def test_the_next_click_is_in_the_largest_error_and_says_which_kind_it_is() -> None:
    truth = disc(15, 15, 8) | disc(45, 45, 4)
    superfluous = disc(45, 15, 6)
    click = next_click(truth, disc(15, 15, 8) | superfluous)
    assert click is not None and not click.positive
    assert abs(click.y - 45.5) <= 1 and abs(click.x - 15.5) <= 1
    click = next_click(truth, disc(15, 15, 8))
    assert click is not None and click.positive and abs(click.x - 45.5) <= 1


def test_nothing_is_clicked_where_nothing_is_wrong_or_known() -> None:
    truth = disc(20, 30, 9)
    assert next_click(truth, truth) is None
    assert next_click(truth, NOTHING, void=truth) is None


def test_a_pixel_is_not_clicked_twice() -> None:
    truth = disc(20, 30, 9)
    first = next_click(truth, NOTHING)
    assert first is not None
    second = next_click(truth, NOTHING, [first])
    assert second is not None and (second.x, second.y) != (first.x, first.y)


def test_random_clicks_stay_in_the_inner_half() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        click = next_click(disc(30, 30, 12), NOTHING, random=random)
        assert click is not None and np.hypot(click.x - 30.5, click.y - 30.5) < 8


def test_a_stroke_stays_inside_what_it_corrects_and_follows_its_length() -> None:
    truth = NOTHING.copy()
    truth[25:35, 5:55] = True
    stroke = next_stroke(truth, NOTHING)
    assert stroke is not None and stroke.label == 1
    drawn = draw([stroke], (60, 60)) == 1
    assert not (drawn & ~truth).any()
    assert np.ptp(np.nonzero(drawn)[1]) > 35
    superfluous = next_stroke(NOTHING, truth)
    assert superfluous is not None and superfluous.label == 0


def test_the_protocol_counts_clicks_until_the_mask_is_good_enough() -> None:
    truth = disc(15, 15, 8) | disc(45, 45, 8)

    def answer(clicks: Sequence[Click], before: np.ndarray | None) -> np.ndarray:
        """The disc under each click."""
        found = np.zeros(truth.shape, np.float32)
        for click in clicks:
            found[disc(15, 15, 8) if click.y < 30 else disc(45, 45, 8)] = 1
        return found

    trace = simulate(truth, answer, most=10)
    assert trace.dice == pytest.approx((2 / 3, 1.0)) and trace.iou == pytest.approx((0.5, 1.0))
    assert trace.clicks_to(0.85, 10) == 2 and trace.clicks_to(0.4, 10) == 1
    assert trace.dice_after(1) == pytest.approx(2 / 3) and trace.dice_after(10) == 1.0


def test_an_object_that_is_never_found_takes_all_clicks() -> None:
    trace = simulate(disc(15, 15, 8), lambda clicks, before: np.zeros((60, 60), np.float32), most=4)
    assert len(trace.dice) == 4 and trace.clicks_to(0.5, 4) == 4
    assert Trace((0.2,), (0.1,), (0.0,)).clicks_to(0.85, 20) == 20


def test_void_counts_as_neither_right_nor_wrong() -> None:
    truth, void = disc(30, 30, 10), disc(30, 30, 14)
    trace = simulate(truth, lambda clicks, before: disc(30, 30, 12).astype(np.float32), 3, void & ~truth)
    assert trace.dice == (1.0,)
