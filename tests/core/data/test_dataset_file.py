"""dataset.json that cannot be read: the sentence names the file and a way out."""

from pathlib import Path

import pytest

from core.data.dataset import DATASET_FILE, open_data, write_down
from core.errors import UserError


@pytest.mark.parametrize("content", ["{", "[]", "\x00"])
def test_a_data_set_whose_description_is_damaged_says_what_to_do(small_data: Path, content: str) -> None:
    data = open_data(small_data)
    (small_data / DATASET_FILE).write_text(content)
    for action in (lambda: open_data(small_data), lambda: write_down(data)):
        with pytest.raises(UserError, match=r"dataset\.json in .*small .*copy of it back; or delete it"):
            action()
    (small_data / DATASET_FILE).unlink()
    assert len(open_data(small_data).pairs) == 10


def test_one_that_may_not_be_read_is_not_to_be_deleted(
    small_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (small_data / DATASET_FILE).write_text("{}")

    def refused(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refused)
    with pytest.raises(UserError, match="Permission denied") as said:
        open_data(small_data)
    assert "delete" not in str(said.value)
