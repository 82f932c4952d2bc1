"""Photos and masks stay where they are when one side shrinks and the other grows."""

import numpy as np
import pytest
from numpy.typing import NDArray

from core.data.masks import resize_mask
from core.data.transforms import augmentation
from core.imaging.label_resizing import resize_labels
from core.imaging.resizing import resize_picture

SIZES = [((171, 342), (256, 128)), ((342, 120), (128, 256)), ((500, 1366), (1024, 512))]


def ellipse(height: int, width: int) -> NDArray[np.uint8]:
    y, x = np.mgrid[:height, :width]
    away = ((y - height * 0.47) / (height * 0.31)) ** 2 + ((x - width * 0.55) / (width * 0.27)) ** 2
    return (away <= 1).astype(np.uint8)


def middle(values: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The centroid as shares of height and width."""
    y, x = (np.arange(n) + 0.5 for n in values.shape)
    weights = values.astype(float)
    return np.array([weights.sum(1) @ y, weights.sum(0) @ x]) / weights.sum() / values.shape


@pytest.mark.parametrize(("before", "after"), SIZES)
def test_a_photo_and_its_mask_do_not_move_where_one_side_shrinks_and_the_other_grows(
    before: tuple[int, int], after: tuple[int, int]
) -> None:
    mask = ellipse(*before)
    photo = np.repeat(mask[..., None] * np.uint8(200), 3, axis=2)
    out = augmentation("none", *after)(image=photo, mask=mask)
    found = {
        "photo": resize_picture(photo, after)[..., 0],
        "training photo": out["image"][..., 0],
        "training mask": out["mask"],
        "binary mask": resize_mask(mask, after),
        "labels": resize_labels(mask, after),
    }
    moved = {name: np.abs((middle(x) - middle(mask)) * after).max() for name, x in found.items()}
    assert max(moved.values()) < 0.08, moved


def test_a_resized_ramp_has_the_values_of_its_new_middles() -> None:
    ramp = np.repeat(np.linspace(0, 240, 96, dtype=np.float32)[None].round().astype(np.uint8), 40, axis=0)
    small = resize_picture(ramp, (64, 36)).mean(axis=0)
    wanted = ((np.arange(36) + 0.5) * 96 / 36 - 0.5) * 240 / 95
    assert np.abs(small - wanted).max() < 1.0
