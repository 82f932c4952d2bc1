"""Which masks can be painted, and how photos are known again that a browser names."""

from pathlib import Path

import numpy as np
import pytest

from core.data import fixes, painting
from core.data.dataset import open_data
from core.errors import UserError
from tests.core.archives import picture


def photo(level: int) -> bytes:
    return picture(np.full((40, 60, 3), level, np.uint8))


@pytest.fixture
def painted(workspace: Path) -> Path:
    """Two photos with masks."""
    folder, _ = painting.start("mine", ((f"{i}.png", photo(50 * i)) for i in range(2)))
    for waiting in painting.photos_of(folder):
        mask = np.zeros((40, 60), np.uint8)
        mask[10:20] = 1
        painting.save_mask(waiting, mask)
    return folder


def test_a_photo_is_found_by_what_the_browser_calls_it(painted: Path) -> None:
    first = painting.photos_of(painted)[0]
    assert first.photo_id == "mine/0.png"
    assert painting.waiting_photo(first.photo_id) == first


@pytest.mark.parametrize("photo_id", ["mine/9.png", "../mine/0.png", "other/0.png", "mine/../mine/0.png", ""])
def test_a_photo_that_is_not_there_is_one_sentence(painted: Path, photo_id: str) -> None:
    with pytest.raises(UserError, match="is not there any more"):
        painting.waiting_photo(photo_id)


def test_masks_of_several_classes_are_refused_before_anything_is_painted(painted: Path) -> None:
    painting.require_paintable(painted)
    for waiting in painting.photos_of(painted):
        waiting.mask.write_bytes(picture(np.arange(2400).reshape(40, 60).astype(np.uint8) // 86))
    fixes.as_classes(open_data(painted))
    with pytest.raises(UserError, match="3 classes, and only masks of one foreground can be painted"):
        painting.require_paintable(painted)


def test_masks_of_one_foreground_are_no_classes(painted: Path) -> None:
    with pytest.raises(UserError, match="2 different values: that is not a set of classes"):
        fixes.as_classes(open_data(painted))


def test_a_photo_whose_mask_is_inverted_is_refused_and_the_others_are_not(painted: Path) -> None:
    fixes.invert(open_data(painted), ["0.png"])
    painting.require_paintable(painted)
    painting.require_paintable(painted, "1.png")
    with pytest.raises(UserError, match=r"The mask of 0\.png is inverted"):
        painting.require_paintable(painted, "0.png")


def test_a_folder_outside_of_the_workspace_is_imported_before_it_is_painted(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Import this data set first"):
        painting.require_paintable(tmp_path)
