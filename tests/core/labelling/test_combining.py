import numpy as np
import pytest

from core.labelling.combining import error_depth, with_classifier, without_rejected
from core.labelling.features import PhotoFeatures, photo_features
from core.labelling.prompts import Click
from tests.core.labelling.test_scribbles import FIRST

Map = np.ndarray


def two_discs() -> Map:
    y, x = np.mgrid[:96, :160]
    found = np.zeros((96, 160), np.float32)
    found[(y - 48) ** 2 + (x - 40) ** 2 < 20**2] = 0.9
    found[(y - 48) ** 2 + (x - 110) ** 2 < 20**2] = 0.9
    return found


def test_a_negative_click_rejects_the_whole_piece_that_it_is_on() -> None:
    found = two_discs()
    found[46:51, 108:113] = 0.1  # as a network leaves it: a hole under the click
    left = without_rejected(found, [Click(40, 48), Click(110, 48, positive=False)])
    assert left[48, 40] == np.float32(0.9) and not (left[:, 80:] >= 0.5).any()


def test_a_piece_with_clicks_of_both_kinds_is_left_to_the_model() -> None:
    found = two_discs()
    clicks = [Click(40, 48), Click(45, 60, positive=False)]
    assert (without_rejected(found, clicks) == found).all()
    assert (without_rejected(found, [Click(40, 48), Click(80, 5, positive=False)]) == found).all()
    assert (without_rejected(found, [Click(40, 48), Click(-9, 300, positive=False)]) == found).all()


def test_an_error_is_as_deep_as_the_click_is_far_from_what_was_right() -> None:
    found = two_discs()
    near_edge, middle = Click(21.5, 48.5, positive=False), Click(110.5, 48.5, positive=False)
    assert 0 < error_depth(near_edge, found) < 4
    assert 15 < error_depth(middle, found) < 22
    assert error_depth(middle, None) == 0
    assert error_depth(Click(40, 48), found) == 0
    assert error_depth(Click(-5, 48), found) == 0


@pytest.fixture(scope="module")
def features() -> PhotoFeatures:
    return photo_features(FIRST)


def test_the_classifier_finds_the_rest_of_what_a_correction_shows(features: PhotoFeatures) -> None:
    """The model answers with a corner of the blue square, and adds a spot under the next click."""
    before = np.zeros((96, 160), np.float32)
    before[30:40, 85:95] = 0.95
    found = before.copy()
    found[53:58, 106:111] = 0.95
    clicks = [Click(90, 35), Click(108, 55)]
    together = with_classifier(found, clicks, features, before)
    square = together[32:68, 87:118] >= 0.5
    assert square.mean() > 0.8 > (found[32:68, 87:118] >= 0.5).mean()
    assert (together[:, :70] >= 0.5).mean() < 0.1


def test_the_first_answer_and_small_errors_are_the_models_alone(features: PhotoFeatures) -> None:
    found = two_discs()
    assert with_classifier(found, [Click(40, 48)], features, None) is found
    assert with_classifier(found, [Click(40, 48)], features, found) is found
