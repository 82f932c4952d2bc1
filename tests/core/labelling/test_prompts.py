import numpy as np

from core.labelling.prompts import BACKGROUND, Click, Stroke, as_stroke, draw


def test_a_stroke_marks_what_it_passes_over_and_a_later_one_covers_it() -> None:
    first = Stroke(((2.5, 10.5), (17.5, 10.5)), 2, 1)
    second = Stroke(((10.5, 2.5), (10.5, 17.5)), 1, 2)
    drawn = draw([first, second], (20, 20))
    assert drawn[10, 5] == 1
    assert drawn[10, 10] == 2
    assert drawn[15, 5] == -1 and drawn[2, 2] == -1


def test_a_disc_lies_around_its_point_at_every_scale() -> None:
    disc = Stroke(((40.5, 24.5),), 8, 3)
    for scale in (1.0, 0.5, 0.25):
        drawn = draw([disc], (round(64 * scale), round(64 * scale)), scale)
        rows, columns = np.nonzero(drawn == 3)
        assert abs(rows.mean() + 0.5 - 24.5 * scale) < 0.6
        assert abs(columns.mean() + 0.5 - 40.5 * scale) < 0.6
        assert 0.5 < len(rows) / (np.pi * (8 * scale) ** 2) < 1.6


def test_the_thinnest_stroke_still_marks_a_pixel() -> None:
    drawn = draw([Stroke(((33.0, 33.0),), 0.5, 1)], (8, 8), 8 / 64)
    assert (drawn == 1).any()


def test_a_negative_click_is_background() -> None:
    assert as_stroke(Click(3, 4, positive=False, label=5), 2).label == BACKGROUND
    assert as_stroke(Click(3, 4, label=5), 2) == Stroke(((3, 4),), 2, 5)
