"""Classes have colours that can be told apart."""

import itertools

import cv2
import numpy as np
import pytest

from core.imaging import palette
from core.imaging.palette import class_colours, hex_colours


def distances(classes: int) -> list[float]:
    """CIE76 between all pairs: from about 2 on people see a difference, side by side."""
    scaled = (class_colours(classes)[None] / np.float32(255)).astype(np.float32)
    lab = cv2.cvtColor(scaled, cv2.COLOR_RGB2Lab)[0]
    return [float(np.linalg.norm(a - b)) for a, b in itertools.combinations(lab, 2)]


@pytest.mark.parametrize(("classes", "least"), [(8, 30), (12, 30), (30, 25), (255, 5)])
def test_any_two_classes_differ_clearly(classes: int, least: float) -> None:
    assert min(distances(classes)) >= least


def test_a_class_keeps_its_colour_when_others_are_added() -> None:
    assert class_colours(40)[:12].tolist() == class_colours(12).tolist()
    assert hex_colours(3) == ["#0072b2", "#e69f00", "#009e73"]


def test_no_class_has_no_colour() -> None:
    assert class_colours(0).shape == (0, 3)


def test_colours_are_as_many_as_classes_and_apart() -> None:
    colours = palette.class_colours(30)
    assert colours.shape == (30, 3) and len({tuple(c) for c in colours.tolist()}) == 30
