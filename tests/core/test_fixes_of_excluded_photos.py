"""What is written down of a photo stays while it is excluded."""

from pathlib import Path

import pytest

from core.data import fixes
from core.data.dataset import open_data
from core.errors import UserError


def test_an_inverted_photo_is_still_inverted_when_it_is_restored(small_data: Path) -> None:
    data = fixes.invert(open_data(small_data), ["00.jpg", "01.jpg"])
    data = fixes.leave_out(data, ["00.jpg"])
    data = fixes.invert(data, ["05.jpg"])
    data = fixes.take_back(data, ["00.jpg"])
    assert [pair.name for pair in data.pairs if pair.inverted] == ["00.jpg", "01.jpg", "05.jpg"]


def test_inverting_twice_is_as_before_and_unknown_names_are_refused(small_data: Path) -> None:
    data = fixes.invert(fixes.invert(open_data(small_data), ["03.jpg"]), ["03.jpg"])
    assert not any(pair.inverted for pair in data.pairs)
    with pytest.raises(UserError, match="None of these photos"):
        fixes.invert(data, ["nobody.jpg"])
