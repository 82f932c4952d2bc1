"""Which flips photos bear is measured from what is alike in all of them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from core.training.planning.orientation import differences, orientation_of

Photo = NDArray[np.uint8]


def found(kind: str, count: int = 30, classes: tuple[str, ...] = ("foreground",)) -> str:
    rng = np.random.default_rng(0)
    pairs = [drawn(kind, rng) for _ in range(count)]
    return orientation_of([differences(photo, [mask]) for photo, mask in pairs], classes).flips


def drawn(kind: str, rng: np.random.Generator) -> tuple[Photo, NDArray[np.bool_]]:
    """A photo of 64x64 of noise with a square anywhere; of "outdoors" the sky is bright, of "lines" every
    other row, and of "one side" the square is always at the left."""
    photo = rng.integers(0, 120, (64, 64, 3)).astype(np.uint8)
    y, x = rng.integers(0, 52, 2)
    if kind == "outdoors":
        photo[: rng.integers(16, 30)] += 100
    if kind == "lines":
        photo[::4] += 100
    if kind == "one side":
        x = rng.integers(0, 8)
    mask = np.zeros((64, 64), np.bool_)
    mask[y : y + 12, x : x + 12] = True
    return photo, mask


@pytest.mark.parametrize(
    ("kind", "flips"),
    [("cells", "turns"), ("outdoors", "horizontal"), ("lines", "both"), ("one side", "none")],
)
def test_flips_are_those_under_which_photos_stay_as_they_are(kind: str, flips: str) -> None:
    assert found(kind) == flips


def test_no_difference_beyond_chance_is_not_called_zero() -> None:
    rng = np.random.default_rng(0)
    every = [differences(photo, [mask]) for photo, mask in (drawn("cells", rng) for _ in range(30))]
    assert "0.0" not in orientation_of(every, ("foreground",)).evidence


def test_a_difference_that_is_constant_but_slight_does_not_count() -> None:
    rng = np.random.default_rng(2)
    pairs = [drawn("cells", rng) for _ in range(30)]
    grey = [np.full_like(photo, 90) for photo, _ in pairs]
    for photo in grey:
        photo[:32] += 1
    every = [differences(photo, [mask]) for photo, (_, mask) in zip(grey, pairs, strict=True)]
    assert orientation_of(every, ("foreground",)).flips in ("both", "turns")


def test_the_shape_of_the_photos_is_no_direction() -> None:
    rng = np.random.default_rng(3)
    every = []
    for _ in range(30):
        photo = rng.integers(0, 255, (60, 120, 3)).astype(np.uint8)
        y, x = rng.integers(0, 48), rng.integers(0, 108)
        mask = np.zeros((60, 120), np.bool_)
        mask[y : y + 12, x : x + 12] = True
        every.append(differences(photo, [mask]))
    assert orientation_of(every, ("foreground",)).flips == "turns"


def test_a_few_photos_do_not_decide_that_there_is_no_up() -> None:
    assert found("cells", count=6) == "horizontal"


def test_classes_that_are_named_by_their_side_bear_no_flip() -> None:
    assert found("cells", classes=("left lung", "right lung")) == "none"


def test_a_class_that_is_absent_from_some_photos_is_no_difference() -> None:
    rng = np.random.default_rng(1)
    pairs = [drawn("cells", rng) for _ in range(30)]
    absent = np.zeros((64, 64), np.bool_)
    every = [differences(p, [m, m if i % 3 else absent]) for i, (p, m) in enumerate(pairs)]
    assert orientation_of(every, ("a", "b")).flips == "turns"
