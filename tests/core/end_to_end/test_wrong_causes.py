"""What the system refuses is said in its own words, and no sentence guesses at the disk."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.data import composing, exporting, subset
from core.data.dataset import open_data
from core.data.importing.copying import import_data
from core.data.photos import read_photo
from core.errors import UserError, system_said
from core.inference import zip_writer
from core.system.workspace import write_atomically, write_json
from core.training import worker

GREY = np.full((40, 40, 3), 90, np.uint8)
CUTOUT = np.dstack([GREY, np.eye(40, dtype=np.uint8) * 255])
HOW = composing.Composition(count=2, height=32, width=32)

WORK: dict[str, Callable[[Path, Path], object]] = {
    "import": lambda data, out: list(import_data(data, "brought in")),
    "compose": lambda data, out: list(composing.compose("composed", HOW, [CUTOUT], [GREY])),
    "export": lambda data, out: list(exporting.export(open_data(data), out / "a.zip")),
    "subset": lambda data, out: list(subset.make_subset(open_data(data), ["00.jpg", "01.jpg"], "some")),
    "zip": lambda data, out: list(zip_writer.pack(["a.jpg"], lambda _: {"mask": b"x"}, out / "b.zip")),
    "file": lambda data, out: write_json(out / "a.json", {}),
}


@pytest.mark.parametrize("work", WORK)
@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ENAMETOOLONG, errno.EROFS])
def test_an_error_that_is_not_the_disks_fullness_does_not_say_so(
    work: str, number: int, small_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*given: object, **more: object) -> None:
        raise OSError(number, os.strerror(number))

    for method in ("write_bytes", "replace", "rename"):
        monkeypatch.setattr(Path, method, refuse)
    with pytest.raises(UserError, match=os.strerror(number)) as caught:
        WORK[work](small_data, tmp_path)
    assert "space" not in str(caught.value)


def test_a_full_disk_is_told_what_to_do() -> None:
    assert system_said(OSError(errno.ENOSPC, "No space left on device")) == (
        "No space left on device: free some space on the disk"
    )


class SafetensorError(Exception):
    """As the library's own is called."""


@pytest.mark.parametrize(
    ("error", "said"),
    [(OSError(errno.ENOSPC, "No space left on device"), "free some space"),
     (SafetensorError("I/O error: No space left on device (os error 28)"), "free some space"),
     (PermissionError(errno.EACCES, "Permission denied"), "may read and write there"),
     (SafetensorError("header too large"), ""), (OSError("truncated"), ""), (ValueError("x"), "")],
)  # fmt: skip
def test_a_training_blames_the_disk_for_what_the_disk_did(error: Exception, said: str) -> None:
    found = worker._refused_by_the_system(error)
    assert said in found and bool(found) == bool(said)


def test_a_librarys_error_without_a_number_is_given_in_its_words() -> None:
    assert system_said(OSError("image file is truncated.")) == "image file is truncated"


def test_a_photo_that_may_not_be_read_is_not_called_damaged(tmp_path: Path) -> None:
    (tmp_path / "folder.jpg").mkdir()
    with pytest.raises(UserError, match=r"folder\.jpg cannot be read: Is a directory"):
        read_photo(tmp_path / "folder.jpg")


@pytest.mark.parametrize("name", ["n" * 255, "é" * 127, "n" * 241 + ".json"])
def test_every_name_that_the_disk_takes_can_be_written_whole_or_not_at_all(name: str, tmp_path: Path) -> None:
    write_atomically(tmp_path / name, b"x")
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_name_that_is_too_long_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="use a shorter name"):
        write_atomically(tmp_path / ("n" * 256), b"x")
