"""Zips, folders and single files: read the same way, and never trusted."""

import io
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from core.data.dataset import open_data
from core.data.importing import sources
from core.data.store import read_pair
from core.errors import UserError
from core.system import workspace as places
from tests.core.archives import mask, photo, picture, zipped
from tests.core.data.importing.imports import imported, labels_of, nothing_left, whole


@pytest.mark.parametrize("prefix", ["", "deep/er/", "Ünïcode ordner/", "写真/"])
def test_a_zip_becomes_a_data_set(small_data: Path, prefix: str) -> None:
    data = imported(zipped(small_data, prefix))
    assert len(data.pairs) == 10 and data.root == places.datasets() / "mine"
    assert np.array_equal(
        labels_of(data, "03.jpg"), read_pair(open_data(small_data).pairs[3], data.encoding)[1]
    )


def test_a_folder_becomes_a_data_set_and_stays_as_it_was(small_data: Path) -> None:
    before = sorted(p.name for p in small_data.rglob("*"))
    data = imported(small_data, "Meine Fotos")
    assert data.name == "Meine Fotos" and len(data.pairs) == 10
    assert sorted(p.name for p in small_data.rglob("*")) == before


def test_single_files_are_paired_by_their_names() -> None:
    given = [(f"{i}.jpg", io.BytesIO(photo(i))) for i in range(3)]
    given += [(f"{i}_mask.png", io.BytesIO(mask(i))) for i in range(3)]
    assert len(imported(given).pairs) == 3


@pytest.mark.parametrize(
    "name", ["../../images/evil.jpg", "/abs/images/evil.jpg", "images\\..\\..\\evil.jpg", "C:/images/e.jpg"]
)
def test_a_zip_whose_paths_lead_out_is_refused_by_name(small_data: Path, tmp_path: Path, name: str) -> None:
    stream = zipped(small_data)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(name, b"x")
    stream.seek(0)
    with pytest.raises(UserError, match="leads out"):
        imported(stream)
    assert nothing_left() and list(tmp_path.rglob("evil*")) == []


def test_links_and_archives_inside_are_named_and_left_behind(small_data: Path) -> None:
    stream = zipped(small_data)
    with zipfile.ZipFile(stream, "a") as archive:
        link = zipfile.ZipInfo("images/link.jpg")
        link.external_attr = (0o120777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("images/inner.zip", b"PK")
    stream.seek(0)
    result = whole(stream)
    sentences = " ".join(p.sentence for p in result.problems)
    assert "link.jpg is a link" in sentences and "inner.zip is an archive inside" in sentences
    assert not any(p.is_symlink() for p in result.data.root.rglob("*"))
    assert not (result.data.root / "images" / "link.jpg").exists()


def test_links_in_a_folder_are_not_followed_out_of_it(small_data: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(photo(1))
    (small_data / "images" / "link.jpg").symlink_to(secret)
    (small_data / "masks" / "link.png").write_bytes(mask(1))
    assert len(imported(small_data).pairs) == 10


def test_a_zip_that_lies_about_its_sizes_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_FILE_BYTES", 1_000_000)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images/a.jpg", b"\0" * 5_000_000)
        archive.writestr("masks/a.png", b"\0")
    raw = stream.getvalue().replace((5_000_000).to_bytes(4, "little"), (50).to_bytes(4, "little"))
    with pytest.raises(UserError):
        imported(io.BytesIO(raw))
    assert nothing_left()


def test_a_zip_that_unpacks_without_end_is_stopped(monkeypatch: pytest.MonkeyPatch, small_data: Path) -> None:
    monkeypatch.setattr(sources, "MAX_BYTES", 20_000)
    with pytest.raises(UserError, match="in parts"):
        imported(zipped(small_data))
    assert nothing_left()


def test_a_zip_with_a_million_entries_is_refused_before_they_are_read() -> None:
    # The last record claims a list of 100 MB; nothing of that size has to exist for the refusal.
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65535, 65535, 100_000_000, 0, 0)
    with pytest.raises(UserError, match="more than"):
        imported(io.BytesIO(b"\0" * 1000 + end))
    assert nothing_left()


def test_more_files_than_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch, small_data: Path) -> None:
    monkeypatch.setattr(sources, "MAX_FILES", 15)
    with pytest.raises(UserError, match="more than 15 files"):
        imported(zipped(small_data))


def test_a_decompression_bomb_is_left_behind_by_name(small_data: Path) -> None:
    bomb = picture(np.zeros((64, 96), np.uint8))
    header = b"IHDR" + struct.pack(">II", 30_000, 30_000) + bomb[24:29]
    wide = bomb[:12] + header + struct.pack(">I", zlib.crc32(header)) + bomb[33:]
    stream = zipped(small_data)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("images/bomb.png", wide)
        archive.writestr("masks/bomb.png", wide)
    stream.seek(0)
    result = whole(stream)
    assert len(result.data.pairs) == 10
    assert any("bomb.png" in p.sentence and "megapixels" in p.sentence for p in result.problems)


def test_an_encrypted_zip_is_one_sentence(small_data: Path) -> None:
    raw = bytearray(zipped(small_data).getvalue())
    at = raw.find(b"PK\x01\x02")
    while at >= 0:
        raw[at + 8] |= 1
        at = raw.find(b"PK\x01\x02", at + 4)
    with pytest.raises(UserError, match="password"):
        imported(io.BytesIO(bytes(raw)))
    assert nothing_left()


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 not really", b"hello" * 1000], ids=["empty", "header only", "text"]
)
def test_what_is_no_zip_is_one_sentence_and_leaves_nothing(content: bytes) -> None:
    with pytest.raises(UserError, match="zip"):
        imported(io.BytesIO(content))
    assert nothing_left()


def test_a_truncated_zip_leaves_nothing(small_data: Path) -> None:
    with pytest.raises(UserError):
        imported(io.BytesIO(zipped(small_data).getvalue()[:-500]))
    assert nothing_left()
