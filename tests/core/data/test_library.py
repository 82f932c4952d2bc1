"""The data sets of the workspace."""

from pathlib import Path

import pytest

from core.data import library
from core.data.dataset import open_data
from core.errors import UserError
from core.policy import trash
from tests.core.data.importing.imports import imported, nothing_left


def test_only_data_sets_of_the_workspace_can_be_deleted(small_data: Path) -> None:
    with pytest.raises(UserError):
        library.delete_dataset(small_data)
    assert small_data.is_dir()
    data = imported(small_data)
    library.delete_dataset(data.root)
    assert nothing_left()


def test_a_deleted_data_set_can_be_restored(small_data: Path) -> None:
    data = imported(small_data)
    deleted = library.delete_dataset(data.root)
    assert nothing_left() and deleted.name == data.name
    trash.restore(deleted)
    assert open_data(data.root).split == data.split
