import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import UserError
from core.labelling.features import PhotoFeatures, photo_features
from core.labelling.prompts import Stroke
from core.labelling.scribbles import Example, fit

Photo = NDArray[np.uint8]


def scene(seed: int, left: int) -> Photo:
    """A red disc and a blue square on green, with noise: uint8 (96, 160, 3)."""
    y, x = np.mgrid[:96, :160]
    photo = np.full((96, 160, 3), (60, 140, 70), np.float64)
    photo[(y - 48) ** 2 + (x - left) ** 2 < 28**2] = (200, 60, 50)
    photo[30:70, left + 45 : left + 80] = (50, 60, 190)
    return np.clip(photo + np.random.default_rng(seed).normal(0, 12, photo.shape), 0, 255).astype(np.uint8)


FIRST, SECOND = scene(0, 40), scene(1, 60)
DISC, SQUARE = Stroke(((30.0, 48.0), (50.0, 48.0)), 5, 1), Stroke(((95.0, 50.0), (110.0, 50.0)), 5, 2)
GROUND = Stroke(((10.0, 8.0), (150.0, 8.0)), 4, 0)


@pytest.fixture(scope="module")
def seen() -> tuple[PhotoFeatures, PhotoFeatures]:
    return photo_features(FIRST), photo_features(SECOND)


def test_strokes_on_one_photo_give_another_photo_its_classes(
    seen: tuple[PhotoFeatures, PhotoFeatures],
) -> None:
    shares = fit([Example(seen[0], (DISC, SQUARE, GROUND))], 3).propose(seen[1], SECOND)
    assert shares.shape == (3, 96, 160)
    assert np.allclose(shares.sum(axis=0), 1, atol=1e-4)
    labels = shares.argmax(axis=0)
    assert labels[48, 60] == 1 and labels[50, 122] == 2 and labels[6, 6] == 0
    y, x = np.mgrid[:96, :160]
    truth = np.zeros((96, 160))
    truth[(y - 48) ** 2 + (x - 60) ** 2 < 28**2] = 1
    truth[30:70, 105:140] = 2
    assert (labels == truth).mean() > 0.85


def test_one_stroke_is_enough_to_tell_an_object_from_the_border(
    seen: tuple[PhotoFeatures, PhotoFeatures],
) -> None:
    share = fit([Example(seen[0], (DISC,))], 2).propose(seen[0], FIRST)[1]
    assert share[48, 40] > 0.9 and share[4, 150] < 0.1


def test_the_classifier_on_the_grid_is_that_of_single_pixels(
    seen: tuple[PhotoFeatures, PhotoFeatures],
) -> None:
    found = fit([Example(seen[0], (DISC, GROUND))], 2)
    rows, columns = np.array([0, 5, 30, seen[0].shape[0] - 1]), np.array([0, 17, 40, seen[0].shape[1] - 1])
    single = seen[0].at(rows, columns) @ found.weights.T + found.offsets
    assert np.allclose(single, found.logits(seen[0])[:, rows, columns].T, atol=5e-3)


def test_accepted_labels_teach_as_strokes_do(seen: tuple[PhotoFeatures, PhotoFeatures]) -> None:
    labels = np.zeros((192, 320), np.uint8)  # of another size than the photo
    labels[60:140, 170:240] = 1
    labels[:20] = 255
    share = fit([Example(seen[0], labels=labels)], 2).propose(seen[1], SECOND)[1]
    assert share[50, 122] > 0.8 and share[85, 20] < 0.2


def test_no_stroke_and_an_unknown_class_are_refused(seen: tuple[PhotoFeatures, PhotoFeatures]) -> None:
    with pytest.raises(UserError, match="no strokes yet"):
        fit([Example(seen[0], ())], 2)
    with pytest.raises(UserError, match="class 2"):
        fit([Example(seen[0], (SQUARE,))], 2)
    with pytest.raises(UserError, match="none is on its photo"):
        fit([Example(seen[0], (Stroke(((-90.0, -90.0),), 2, 1),))], 2)
