"""Names of files: short enough for every disk, no two alike, and no single one that ends a batch."""

import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core import cli
from core.data import checks, exporting, subset
from core.data.dataset import open_data
from core.data.importing.copying import Imported, import_data
from core.system.file_names import LONGEST, short_stem, unique_stems
from core.system.workspace import safe_name
from tests.builders import write_scenes

LONG, LONGER = "n" * 240, "é" * 118 + "a"
NO_TEXT = os.fsdecode(b"caf\xe9")


def write_photo(path: Path) -> None:
    Image.fromarray(np.full((32, 32, 3), 90, np.uint8)).save(path)


def predict(photos: Path, model: Path, *more: str) -> int:
    return cli.main(["predict", str(photos), "--model", str(model), "--device", "cpu", "--save", "mask",
                     "--long-side", "64", "--out", str(photos.parent / "out"), "--json", *more])  # fmt: skip


def test_one_long_name_among_many_is_shortened_and_every_photo_made(
    tmp_path: Path, saved_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "photos").mkdir()
    for stem in ("a", LONG, LONG[:-1] + "m", LONGER, NO_TEXT, "z"):
        write_photo(tmp_path / "photos" / f"{stem}.png")
    assert predict(tmp_path / "photos", saved_model) == 0
    made = sorted(os.listdir(tmp_path / "out"))
    assert len(made) == 6 and {"a_mask.png", "z_mask.png", "caf\ufffd_mask.png"} <= set(made)
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert len(result["written"]) == 6 and not result["failed"]
    assert predict(tmp_path / "photos", saved_model, "--resume") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["passed_over"] == 6


def test_a_result_that_cannot_be_written_is_that_photos_failure(
    tmp_path: Path, saved_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "photos").mkdir()
    for stem in "abc":
        write_photo(tmp_path / "photos" / f"{stem}.png")
    (tmp_path / "out" / "b_mask.png" / "in the way").mkdir(parents=True)
    assert predict(tmp_path / "photos", saved_model) == 1
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [Path(p).name for p in result["written"]] == ["a_mask.png", "c_mask.png"]
    ((path, sentence),) = result["failed"].items()
    assert path.endswith("b.png") and "directory" in sentence


def test_results_never_overwrite_each_other(tmp_path: Path, saved_model: Path) -> None:
    for name in ("1/a.png", "2/a.png", "2/a-2.png", "3/A.png"):
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        write_photo(tmp_path / "photos" / name)
    assert predict(tmp_path / "photos", saved_model) == 0
    assert len({name.casefold() for name in os.listdir(tmp_path / "out")}) == 4


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text("aAé-2/.\\\udcff", max_size=4) | st.text("xy", min_size=240), max_size=12))
def test_stems_are_short_and_apart(names: list[str]) -> None:
    stems = unique_stems(names)
    assert len({stem.casefold() for stem in stems}) == len(names)
    assert all(0 < len(stem.encode()) <= LONGEST + 6 for stem in stems)
    assert all("/" not in stem and "\\" not in stem for stem in stems)


@given(st.text(max_size=300))
def test_a_shortened_name_is_whole_text_and_shortened_alike(text: str) -> None:
    short = short_stem(text, 60)
    assert len(short.encode()) <= 60 and short == short_stem(text, 60)
    assert short == text or len(text.encode("utf-8", "surrogateescape")) > 60 or "\ufffd" in short


@given(st.text("𠀀漢a😀", min_size=1, max_size=200))
def test_a_folder_name_leaves_room_for_what_is_made_beside_it(text: str) -> None:
    if any(c != "😀" for c in text):
        assert len(safe_name(text).encode()) <= 160


def test_a_data_set_with_long_names_is_imported_exported_and_copied(tmp_path: Path) -> None:
    root = write_scenes(tmp_path / "long", 3)
    for folder, suffix in (("images", ".jpg"), ("masks", ".png")):
        (root / folder / f"00{suffix}").rename(root / folder / f"{LONG}{suffix}")
        (root / folder / f"01{suffix}").rename(root / folder / f"{LONG[:-1]}m{suffix}")
    done = next(i for i in import_data(root, "long") if isinstance(i, Imported))
    assert len(done.data.pairs) == 3 and not done.problems
    list(exporting.export(open_data(root), tmp_path / "out.zip"))
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        archive.extractall(tmp_path / "out")
    assert len(open_data(tmp_path / "out").pairs) == 3
    names = [pair.name for pair in open_data(root).pairs]
    copied = [s for s in subset.make_subset(open_data(root), names, "some") if isinstance(s, Path)]
    assert len(open_data(copied[0]).pairs) == 3


def test_a_name_that_is_no_text_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    root = write_scenes(tmp_path / "odd", 4)
    (root / "images" / "00.jpg").rename(root / "images" / f"{NO_TEXT}.jpg")
    data = open_data(root)
    assert len(data.pairs) == 3 and any("is not valid text" in p.sentence for p in data.problems)
    report = next(r for r in checks.check(data) if isinstance(r, checks.Report))
    assert len(report.usable) == 3
    done = next(i for i in import_data(root, "odd") if isinstance(i, Imported))
    assert len(done.data.pairs) == 3


def test_photos_from_before_1980_are_exported(tmp_path: Path) -> None:
    root = write_scenes(tmp_path / "old", 2)
    for path in root.rglob("*.*"):
        os.utime(path, (0, 0))
    list(exporting.export(open_data(root), tmp_path / "out.zip"))
    assert zipfile.is_zipfile(tmp_path / "out.zip")
