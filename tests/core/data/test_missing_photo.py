"""A photo that does not exist, whether it never did or was deleted."""

from pathlib import Path

import pytest

from core.data.photos import read_photo
from core.errors import UserError


def test_a_missing_photo_is_named_without_claiming_that_it_existed(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^missing\.png does not exist\.$"):
        read_photo(tmp_path / "missing.png")
