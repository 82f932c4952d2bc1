"""The store of decoded pairs."""

from pathlib import Path

import numpy as np
from PIL import Image

from core.data.dataset import open_data
from core.data.store import Store, build_store
from tests.core.data.small_sets import report_of


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
