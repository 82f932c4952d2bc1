"""What is measured of a data set before a plan is made."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data.dataset import open_data
from core.data.masks import BinaryEncoding
from core.policy.permissions import OWNER, acting_as
from core.training.planning import fingerprint
from core.training.planning.detail import kept_dice, sizes_of_shape
from core.training.planning.fingerprint import Fingerprint, fingerprint_of
from tests.builders import write_camera


@pytest.fixture(autouse=True)
def owner() -> object:
    with acting_as(OWNER):
        yield


def write_lines(folder: Path, count: int = 10) -> Path:
    """Photos of 240x160 with one line of 4 pixels from side to side."""
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for i in range(count):
        mask = np.zeros((160, 240), np.uint8)
        mask[20 + 10 * i : 24 + 10 * i] = 255
        Image.fromarray(np.full((160, 240, 3), 90, np.uint8)).save(folder / "images" / f"{i}.png")
        Image.fromarray(mask).save(folder / "masks" / f"{i}.png")
    return folder


def test_sizes_shares_components_and_thickness_are_those_of_the_masks(tmp_path: Path) -> None:
    found = fingerprint_of(open_data(write_lines(tmp_path / "lines")))
    assert (found.height, found.width, found.training, found.validation) == (160, 240, 8, 2)
    assert found.foreground == pytest.approx(4 / 160) and found.components == 1
    assert found.component_share == pytest.approx(4 / 160, rel=0.01)
    assert found.thickness == pytest.approx(6, abs=1.5)  # 4, and half a pixel of rounding at each side
    assert found.kept["160x256"] > 0.95 > found.kept["96x128"]


def test_large_masks_are_measured_at_their_own_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_lines(tmp_path / "lines")
    whole = fingerprint_of(open_data(folder))
    monkeypatch.setattr(fingerprint, "MEASURED_SIDE", 100)
    monkeypatch.setattr(fingerprint, "VERSION", 0)
    found = fingerprint_of(open_data(folder))
    assert found.thickness == pytest.approx(whole.thickness, abs=0.3) and found.shares == whole.shares
    assert found.kept["96x128"] == pytest.approx(whole.kept["96x128"], abs=0.1)
    assert found.kept["96x128"] < 0.95


def test_how_long_photos_take_to_decode_is_measured(tmp_path: Path) -> None:
    found = fingerprint_of(open_data(write_lines(tmp_path / "lines")))
    assert 0 < found.decoding < 1 and 0 < found.thumbnail < 1


def test_classes_are_counted_without_void(tmp_path: Path) -> None:
    from core.data.dataset import as_task

    data = as_task(open_data(write_camera(tmp_path / "d")), "multiclass", 7)
    found = fingerprint_of(data)
    assert found.kind == "multiclass" and len(found.shares) == 3
    assert sum(found.shares) == pytest.approx(1, abs=1e-4)


def test_it_is_measured_once_and_again_when_a_mask_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_lines(tmp_path / "lines")
    first = fingerprint_of(open_data(folder))
    measure = fingerprint._measure
    monkeypatch.setattr(fingerprint, "_measure", None)
    assert fingerprint_of(open_data(folder)) == first
    monkeypatch.setattr(fingerprint, "_measure", measure)
    (train, *_) = open_data(folder).pairs_of("train")
    Image.fromarray(np.full((160, 240), 255, np.uint8)).save(train.mask)
    assert fingerprint_of(open_data(folder)).foreground > first.foreground


def test_validation_photos_are_not_looked_at(tmp_path: Path) -> None:
    folder = write_lines(tmp_path / "lines")
    first = fingerprint_of(open_data(folder))
    for pair in open_data(folder).pairs_of("validation"):
        Image.fromarray(np.full((160, 240), 255, np.uint8)).save(pair.mask)
    assert fingerprint_of(open_data(folder)).shares == first.shares


def test_a_file_that_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    folder = write_lines(tmp_path / "lines")
    (train, *_) = open_data(folder).pairs_of("train")
    train.image.write_bytes(b"no picture")
    found = fingerprint_of(open_data(folder))
    assert found.sampled == found.training - 1


@pytest.mark.parametrize(("height", "width"), [(320, 480), (966, 1296), (20, 30), (12_000, 100), (1, 1)])
def test_sizes_have_the_shape_of_the_photos_in_multiples_of_32(height: int, width: int) -> None:
    sizes = sizes_of_shape(height, width)
    assert sizes and all(h % 32 == w % 32 == 0 and min(h, w) >= 32 and max(h, w) <= 2048 for h, w in sizes)
    if min(height, width) >= 320:
        assert all(h / w == pytest.approx(height / width, rel=0.25) for h, w in sizes)
    assert (320, 480) in sizes_of_shape(320, 480) and min(sizes_of_shape(50, 70, least=128)) == (128, 128)


def test_the_dice_that_a_mask_keeps_falls_with_the_size() -> None:
    y, x = np.mgrid[0:160, 0:240]
    mask = (abs(x - y) < 2).astype(np.uint8)
    kept = [kept_dice(mask, size, BinaryEncoding()) for size in ((160, 240), (96, 144), (32, 64))]
    assert kept[0] == 1 and kept[0] > (kept[1] or 0) > (kept[2] or 0)
    assert kept_dice(np.zeros((8, 8), np.uint8), (4, 4), BinaryEncoding()) is None


def test_a_size_between_two_that_were_measured_keeps_what_lies_between() -> None:
    found = Fingerprint(1, 1, 1, 64, 64, 64, "binary", ("f",), (0.1,), kept={"32x32": 0.5, "64x64": 1.0})
    assert found.kept_at(32, 32) == 0.5 and found.kept_at(128, 128) == 1.0
    assert 0.7 < found.kept_at(48, 48) < 0.8
