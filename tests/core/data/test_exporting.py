"""An exported data set comes back as it was."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from core.data import fixes
from core.data.dataset import open_data
from core.data.exporting import export
from core.data.importing.copying import Imported, import_data
from core.data.store import read_pair
from core.errors import UserError
from tests.core import archives
from tests.core.archives import photo
from tests.core.data.small_sets import classes


def exported(folder: Path, target: Path, form: str = "zip") -> Path:
    return next(r for r in export(open_data(folder), target, form) if isinstance(r, Path))


def reimported(path: Path, name: str = "again") -> Path:
    return next(r for r in import_data(path, name) if isinstance(r, Imported)).data.root


def test_an_exported_data_set_comes_back_as_it_was(small_data: Path, tmp_path: Path) -> None:
    data = fixes.invert(fixes.exclude(open_data(small_data), ["01.jpg"]), ["04.jpg"])
    back = open_data(reimported(exported(small_data, tmp_path / "set.zip")))
    assert [p.name for p in back.pairs] == [p.name for p in data.pairs] and back.split == data.split
    for one, other in zip(data.pairs, back.pairs, strict=True):
        assert np.array_equal(read_pair(one, data.encoding)[1], read_pair(other, back.encoding)[1])


def test_classes_come_back_with_names_and_void(small_data: Path, tmp_path: Path) -> None:
    data = fixes.rename(classes(small_data), ["ground", "legs", "head"])
    back = open_data(reimported(exported(small_data, tmp_path / "set.zip")))
    assert back.encoding.task.classes == ("ground", "legs", "head")
    for one, other in zip(data.pairs, back.pairs, strict=True):
        assert np.array_equal(read_pair(one, data.encoding)[1], read_pair(other, back.encoding)[1])


def test_labels_of_their_own_come_back_too(tmp_path: Path) -> None:
    files = {f"images/{i}.jpg": photo(i) for i in range(3)}
    files |= {
        f"masks/{label}/{i}.png": archives.mask(i + n)
        for i in range(3)
        for n, label in enumerate(("cat", "dog"))
    }
    data = next(r for r in import_data(archives.zipped(files), "two") if isinstance(r, Imported)).data
    back = open_data(reimported(exported(data.root, tmp_path / "set.zip")))
    assert back.encoding.task == data.encoding.task
    for one, other in zip(data.pairs, back.pairs, strict=True):
        assert np.array_equal(read_pair(one, data.encoding)[1], read_pair(other, back.encoding)[1])


def test_a_full_disk_leaves_no_half_export(
    small_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **more: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "write", full)
    with pytest.raises(UserError, match="No space left on device: free some space"):
        exported(small_data, tmp_path / "set.zip")
    assert [p for p in tmp_path.iterdir() if "set.zip" in p.name] == []
