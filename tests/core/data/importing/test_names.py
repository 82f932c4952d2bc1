"""Pairs whose names differ in what they begin with: image_1 and mask_1."""

import pytest

from core.data.importing.recognition import recognise
from core.data.importing.sources import open_source
from tests.core.archives import zipped
from tests.core.data.importing.imports import whole
from tests.core.data.importing.numbered import columns, mask, photo, sentences


@pytest.mark.parametrize(
    ("photos", "masks"),
    [
        ("image_{n}.png", "mask_{n}.png"),
        ("img-{n}.png", "label-{n}.png"),
        ("image{n}.png", "mask{n}.png"),
        ("{n}.jpg.png", "mask_{n}.jpg.png"),
        ("images/image_{n}.png", "masks/mask_{n}.png"),
        ("train/images/image_{n}.png", "train/masks/{n}.png"),
        ("images/photo_{n}_a.png", "masks/gt_{n}_a.png"),
    ],
)
def test_what_photos_and_masks_begin_with_pairs_them(photos: str, masks: str) -> None:
    files = {photos.format(n=n): photo(n) for n in (1, 2, 11)}
    files |= {masks.format(n=n): mask(0, n) for n in (1, 2, 11)}
    result = whole(files)
    assert columns(result) == {1: 1, 2: 2, 11: 11} and result.problems == ()


def test_a_mask_that_fits_two_photos_by_its_beginning_is_named_and_goes_to_neither() -> None:
    files = {"images/image_1.png": photo(1), "images/photo_1.png": photo(2), "masks/mask_1.png": mask(0, 1)}
    files |= {f"images/image_{n}.png": photo(n) for n in (3, 4)} | {
        f"masks/mask_{n}.png": mask(0, n) for n in (3, 4)
    }
    result = whole(files)
    assert columns(result) == {3: 3, 4: 4} and "masks/mask_1.png fits" in sentences(result)


def test_the_whole_name_comes_before_its_beginning() -> None:
    files = {f"images/{name}.png": photo(n) for n, name in ((1, "image_1"), (2, "1"), (3, "mask_1"))}
    files |= {f"masks/{name}.png": mask(0, n) for n, name in ((1, "image_1"), (2, "1"), (3, "mask_1"))}
    assert columns(whole(files)) == {1: 1, 2: 2, 3: 3}


def test_a_photo_that_is_called_like_a_mask_stays_a_photo() -> None:
    files = {"images/mask_ball.png": photo(1), "images/imagery.png": photo(2)}
    files |= {"masks/mask_ball.png": mask(0, 1), "masks/imagery.png": mask(0, 2)}
    assert len(recognise(open_source(zipped(files)))[0].items) == 2 and columns(whole(files)) == {1: 1, 2: 2}
