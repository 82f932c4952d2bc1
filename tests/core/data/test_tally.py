"""All masks decide which classes there are, and are counted once."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data.classes import guess_classes
from core.data.tally import SAMPLED_MASKS, Tally, sampled_tally, whole_tally
from core.system import workspace

COUNT = 2 * SAMPLED_MASKS + 1  # the sample takes every second
RARE = 1


@pytest.fixture(scope="module")
def masks(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Masks of 0, 1 and 2, of which one, outside the sample, holds a 3 too."""
    root = tmp_path_factory.mktemp("masks")
    paths = [root / f"{i:04d}.png" for i in range(COUNT)]
    for i, path in enumerate(paths):
        Image.fromarray(np.array([[0, 1, 2, 3 if i == RARE else 2]], np.uint8)).save(path, compress_level=0)
    return paths


def kept() -> list[Path]:
    return list((workspace.cache() / "tallies").iterdir())


def test_a_class_that_a_sample_misses_is_found(masks: list[Path]) -> None:
    assert 3 not in sampled_tally(masks).plain
    assert guess_classes(masks).task.values == (0, 1, 2, 3)
    assert whole_tally(masks).plain == {0: COUNT, 1: COUNT, 2: 2 * COUNT - 1, 3: 1}


def test_unchanged_masks_are_not_read_again_and_changed_ones_are(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    Image.fromarray(np.array([[0, 1]], np.uint8)).save(path)
    first = whole_tally([path])
    stamp, content = path.stat(), path.read_bytes()
    path.write_bytes(b"?" * len(content))
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert whole_tally([path]) == first  # the same size and time: not opened
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns + 1))
    assert whole_tally([path]) == Tally()


def test_a_tally_with_a_palette_is_kept_as_it_is(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 1, 1]], np.uint8), "P")
    image.putpalette([0, 0, 0, 200, 0, 0])
    image.save(tmp_path / "mask.png")
    for _ in range(2):
        found = whole_tally([tmp_path / "mask.png"])
        assert found.entries == {(0, 0): 1, (1, 0xC80000): 2} and found.palette == "index"


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"plain": 3, "entries": [], "has_voc": false}'])
def test_a_damaged_tally_is_counted_anew(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "mask.png"
    Image.fromarray(np.array([[0, 1]], np.uint8)).save(path)
    first = whole_tally([path])
    kept()[0].write_text(damage)
    assert whole_tally([path]) == first
