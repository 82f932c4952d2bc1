import io
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest

from core import workspace as places
from core.data import demo, importing
from core.data.dataset import DataFolder, open_data
from core.data.importing import Imported, import_data
from core.errors import UserError


def imported(source: object, name: str = "mine") -> DataFolder:
    return next(r for r in import_data(source, name) if isinstance(r, Imported)).data  # type: ignore[arg-type]


def zipped(folder: Path, prefix: str = "") -> io.BytesIO:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, f"{prefix}{path.relative_to(folder)}")
    stream.seek(0)
    return stream


def nothing_left() -> bool:
    return list(places.datasets().iterdir()) == []


@pytest.mark.parametrize("prefix", ["", "deep/er/", "Ünïcode ordner/"])
def test_a_zip_becomes_a_data_set(small_data: Path, prefix: str) -> None:
    data = imported(zipped(small_data, prefix))
    assert len(data.pairs) == 10 and data.root == places.datasets() / "mine"
    assert (data.root / "images" / "03.jpg").read_bytes() == (small_data / "images" / "03.jpg").read_bytes()


def test_a_folder_becomes_a_data_set_and_stays_as_it_was(small_data: Path) -> None:
    before = sorted(p.name for p in small_data.rglob("*"))
    data = imported(small_data, "Meine Fotos")
    assert data.name == "Meine Fotos" and len(data.pairs) == 10
    assert sorted(p.name for p in small_data.rglob("*")) == before


def test_a_name_is_not_taken_twice(small_data: Path) -> None:
    imported(small_data)
    with pytest.raises(UserError, match="already"):
        imported(small_data)
    assert len(open_data(places.datasets() / "mine").pairs) == 10


@pytest.mark.parametrize("name", ["", "///", "..", "  "])
def test_a_name_that_is_none_is_refused(small_data: Path, name: str) -> None:
    with pytest.raises(UserError):
        imported(small_data, name)


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "a/b"])
def test_a_name_cannot_leave_the_workspace(small_data: Path, name: str) -> None:
    assert imported(small_data, name).root.parent == places.datasets()


def test_entries_that_climb_out_land_inside_under_their_own_name(small_data: Path, tmp_path: Path) -> None:
    stream = zipped(small_data)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("../../images/evil.jpg", b"x")
        archive.writestr("/abs/images/evil2.jpg", b"x")
        archive.writestr("images\\..\\..\\evil3.jpg", b"x")
    stream.seek(0)
    data = imported(stream)
    outside = [p for p in tmp_path.rglob("evil*") if data.root not in p.parents]
    assert outside == []


def test_links_in_a_zip_are_not_followed(small_data: Path) -> None:
    stream = zipped(small_data)
    with zipfile.ZipFile(stream, "a") as archive:
        link = zipfile.ZipInfo("images/link.jpg")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    stream.seek(0)
    data = imported(stream)
    assert not any(p.is_symlink() for p in data.root.rglob("*"))
    assert b"root" not in (data.root / "images" / "link.jpg").read_bytes()


def test_a_zip_that_lies_about_its_sizes_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MAX_FILE_BYTES", 1_000_000)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images/a.jpg", b"\0" * 5_000_000)
        archive.writestr("masks/a.png", b"\0")
    raw = stream.getvalue().replace((5_000_000).to_bytes(4, "little"), (50).to_bytes(4, "little"))
    with pytest.raises(UserError):
        imported(io.BytesIO(raw))
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


def test_a_zip_without_pairs_says_what_is_needed() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("holiday/1.jpg", b"x")
    with pytest.raises(UserError, match="images/ and masks/"):
        imported(stream)
    assert nothing_left()


def test_only_data_sets_of_the_workspace_can_be_deleted(small_data: Path) -> None:
    with pytest.raises(UserError):
        importing.delete_dataset(small_data)
    assert small_data.is_dir()
    data = imported(small_data)
    importing.delete_dataset(data.root)
    assert nothing_left()


def test_the_built_in_data_is_deterministic_varied_and_exact() -> None:
    first, again = demo.draw_scene(5), demo.draw_scene(5)
    assert np.array_equal(first[0], again[0]) and np.array_equal(first[1], again[1])
    scenes = [demo.draw_scene(seed) for seed in range(30)]
    assert all(photo.shape == (256, 192, 3) and mask.shape == (256, 192) for photo, mask in scenes)
    assert all(set(np.unique(mask)) <= {0, 1} for _, mask in scenes)
    shares = np.array([mask.mean() for _, mask in scenes])
    assert shares.min() < 0.2 and shares.max() > 0.4 and shares.std() > 0.1


def test_the_built_in_data_is_generated_once_with_a_written_split() -> None:
    assert not demo.is_ready()
    assert list(demo.generate(pairs=20))[-1] == 20
    assert demo.is_ready() and list(demo.generate(pairs=20)) == []
    data = open_data(demo.demo_folder())
    assert len(data.pairs) == 20 and len(data.split.validation) == 4


def test_the_project_draws_at_least_240_pairs() -> None:
    assert demo.PAIRS >= 240 and (demo.HEIGHT, demo.WIDTH) == (256, 192)


def test_an_interrupted_generation_leaves_nothing_half_made() -> None:
    drawing = demo.generate(pairs=20)
    next(drawing)
    drawing.close()
    assert not demo.is_ready()
    assert list(demo.generate(pairs=20))[-1] == 20
