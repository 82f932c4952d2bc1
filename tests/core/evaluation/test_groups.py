"""Groups of images become data sets."""

from pathlib import Path

import pytest

from core.data.dataset import open_data
from core.data.subset import make_subset
from core.errors import UserError
from core.evaluation import groups


def test_groups_are_kept_and_become_a_data_set(small_data: Path) -> None:
    data = open_data(small_data)
    groups.put(data.root, " hair ", ["01.jpg", "02.jpg"])
    groups.put(data.root, "hair", ["03.jpg"])
    groups.take_out(data.root, "hair", ["02.jpg"])
    assert groups.read_groups(data.root) == {"hair": ["01.jpg", "03.jpg"]}
    with pytest.raises(UserError, match="characters"):
        groups.put(data.root, "  ", ["01.jpg"])
    folder = next(r for r in make_subset(data, ["01.jpg", "03.jpg"], "hair") if isinstance(r, Path))
    made = open_data(folder)
    assert [pair.name for pair in made.pairs] == ["01.jpg", "03.jpg"]
    with pytest.raises(UserError, match="already"):
        list(make_subset(data, ["01.jpg", "03.jpg"], "hair"))
    groups.take_out(data.root, "hair", ["01.jpg", "03.jpg"])
    assert groups.read_groups(data.root) == {}
