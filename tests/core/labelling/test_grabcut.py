import numpy as np

from core.labelling.clicks import segment_by_clicks
from core.labelling.grabcut import grabcut_mask
from core.labelling.prompts import Click, Stroke
from tests.core.labelling.test_scribbles import DISC, FIRST, GROUND


def test_grabcut_finds_the_disc_and_leaves_the_ground() -> None:
    found = grabcut_mask(FIRST, (DISC, GROUND))
    assert found.shape == FIRST.shape[:2] and found.dtype == np.float32
    assert found[48, 40] > 0.5 and found[8, 100] < 0.5


def test_without_an_object_nothing_is_found() -> None:
    assert not grabcut_mask(FIRST, ()).any()
    assert not grabcut_mask(FIRST, (Stroke(((40.0, 48.0),), 4, 0),)).any()
    assert not segment_by_clicks(FIRST, [Click(40, 48, positive=False)]).any()


def test_a_click_is_inside_its_mask_and_a_negative_one_outside() -> None:
    found = segment_by_clicks(FIRST, [Click(40, 48), Click(120, 10, positive=False)])
    assert found.shape == FIRST.shape[:2]
    assert found[48, 40] > 0.5 and found[10, 120] < 0.5
