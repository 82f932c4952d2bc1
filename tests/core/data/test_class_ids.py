"""Values in masks are taken for classes or for instances as people would take them."""

from pathlib import Path

import pytest

from core.data.class_ids import are_classes, content
from core.data.dataset import open_data


def test_counted_instances_are_no_classes() -> None:
    assert not are_classes([[0, 1], [0, 1, 2], [0, 1, 2, 3], [0]])


def test_a_value_without_the_one_below_it_is_a_class() -> None:
    assert are_classes([[0, 1, 2], [0, 2], [0, 1]])


def test_the_same_values_everywhere_are_classes() -> None:
    assert are_classes([[0, 1, 2, 3]] * 4)


def test_void_is_no_value() -> None:
    assert not are_classes([[0, 1, 255], [0, 1, 2]])


@pytest.mark.parametrize(
    ("name", "several", "classes"),
    [("camvid/train", True, True), ("pedestrians", True, False), ("people", False, False)],
)
def test_real_data_sets_are_what_they_are(shared_data: Path, name: str, several: bool, classes: bool) -> None:
    found = content(open_data(shared_data / name))
    assert (found.several, found.are_classes) == (several, classes)
