import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import checks
from core.data.checks import Report
from core.data.dataset import open_data, write_down
from core.data.pairing import find_pairs
from core.data.store import Store, build_store
from core.errors import UserError


def report_of(folder: Path) -> Report:
    return next(r for r in checks.check(open_data(folder)) if isinstance(r, Report))


def test_pairs_are_found_by_stem_in_sorted_order(small_data: Path) -> None:
    found = find_pairs(small_data)
    pairs, problems = found.pairs, found.problems
    assert [p.name for p in pairs] == [f"{i:02d}.jpg" for i in range(10)]
    assert all(p.mask.stem == p.image.stem for p in pairs)
    assert problems == []


def test_masks_may_carry_an_ending(small_data: Path) -> None:
    for mask in (small_data / "masks").iterdir():
        mask.rename(mask.with_name(f"{mask.stem}_mask.png"))
    assert len(find_pairs(small_data).pairs) == 10


def test_what_has_no_partner_is_named(small_data: Path) -> None:
    (small_data / "masks" / "03.png").unlink()
    (small_data / "images" / "04.jpg").unlink()
    (small_data / "images" / "notes.txt").write_text("hello")
    (small_data / "images" / "05.png").write_bytes((small_data / "masks" / "05.png").read_bytes())
    found = find_pairs(small_data)
    pairs, problems = found.pairs, found.problems
    assert len(pairs) == 8
    assert {p.name for p in problems} == {"03.jpg", "04.png", "notes.txt", "05.png"}


def test_the_split_is_seeded_eighty_twenty_and_written_down_by_name(small_data: Path) -> None:
    data = open_data(small_data)
    assert (len(data.split.train), len(data.split.validation)) == (8, 2)
    assert not (small_data / "dataset.json").exists()
    assert write_down(data)
    written = json.loads((small_data / "dataset.json").read_text())["split"]
    assert written == {"train": list(data.split.train), "validation": list(data.split.validation), "test": []}
    assert open_data(small_data, seed=7).split == data.split  # what is written down counts


def test_a_read_only_folder_is_left_as_it_is_and_dealt_the_same_split_each_time(small_data: Path) -> None:
    small_data.chmod(0o555)
    data = open_data(small_data)
    assert not write_down(data)
    assert open_data(small_data).split == data.split
    small_data.chmod(0o755)
    assert not (small_data / "dataset.json").exists()


def test_a_pair_whose_shapes_differ_is_refused_by_name(small_data: Path) -> None:
    Image.fromarray(np.zeros((50, 50), np.uint8)).save(small_data / "masks" / "02.png")
    report = report_of(small_data)
    assert list(report.problems["name"]) == ["02.jpg"]
    assert "02.jpg" in report.problems.iloc[0]["problem"]
    assert "differ in shape" in report.problems.iloc[0]["problem"]


def test_masks_of_another_resolution_are_mended_and_noted(small_data: Path) -> None:
    mask = Image.open(small_data / "masks" / "01.png")
    mask.resize((32, 48)).save(small_data / "masks" / "01.png")
    report = report_of(small_data)
    assert len(report.problems) == 0
    assert list(report.notes["name"]) == ["01.jpg"]


def test_a_damaged_file_is_named_and_does_not_end_anything(small_data: Path) -> None:
    path = small_data / "images" / "06.jpg"
    path.write_bytes(path.read_bytes()[:300])
    (small_data / "masks" / "07.png").write_bytes(b"junk")
    report = report_of(small_data)
    assert set(report.problems["name"]) == {"06.jpg", "07.jpg"}
    store = stored(small_data)
    assert {p.name for p in store.problems} == {"06.jpg", "07.jpg"}
    assert len(store) == 8


def stored(folder: Path, long_side: int = 48) -> Store:
    data = open_data(folder)
    return next(s for s in build_store(data.pairs, data.encoding, long_side) if isinstance(s, Store))


def test_the_store_keeps_shapes_and_is_found_again(small_data: Path, workspace: Path) -> None:
    first = stored(small_data)
    photo, mask = first[3]
    assert photo.shape == (48, 32, 3) and mask.shape == (48, 32) and set(np.unique(mask)) <= {0, 1}
    stamp = [p.stat().st_mtime_ns for p in (workspace / "cache" / "pairs").glob("*/index.json")]
    assert np.array_equal(stored(small_data)[3][0], photo)
    assert stamp == [p.stat().st_mtime_ns for p in (workspace / "cache" / "pairs").glob("*/index.json")]


def test_a_changed_photo_is_decoded_anew(small_data: Path) -> None:
    before = stored(small_data)[0][0].copy()
    Image.fromarray(np.full((96, 64, 3), 77, np.uint8)).save(small_data / "images" / "00.jpg")
    assert not np.array_equal(stored(small_data)[0][0], before)


@pytest.mark.parametrize("make", ["nothing", "no masks", "empty"])
def test_a_folder_without_a_data_set_is_one_sentence(tmp_path: Path, make: str) -> None:
    folder = tmp_path / "odd"
    if make != "nothing":
        (folder / "images").mkdir(parents=True)
    if make == "empty":
        (folder / "masks").mkdir()
    with pytest.raises(UserError):
        open_data(folder)


def test_the_real_people_load_as_they_lie_there(shared_data: Path) -> None:
    report = report_of(shared_data / "people")
    assert report.summary()["pairs"] == 290
    assert report.summary()["mended"] == 198
    assert report.summary()["left_out"] == 0
