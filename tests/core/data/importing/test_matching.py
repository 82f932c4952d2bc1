"""Which mask belongs to which photo, by their names."""

import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from core.data import painting
from core.data.dataset import open_data
from core.data.pairing import find_pairs
from tests.core.archives import zipped
from tests.core.data.importing.imports import whole
from tests.core.data.importing.numbered import SIDE, columns, mask, photo, sentences

ENDINGS = ["_img", "_image", "_sat", "_rgb", "_photo", "_orig", "_l", "_m", "_gt", "_mask", "_seg", "_label"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_equal_names_pair_whatever_they_end_in(ending: str, tmp_path: Path) -> None:
    for folder, make in (("images", photo), ("masks", mask)):
        (tmp_path / "mine" / folder).mkdir(parents=True)
        for number in range(1, 4):
            (tmp_path / "mine" / folder / f"{number}{ending}.png").write_bytes(make(number))
    found = find_pairs(tmp_path / "mine")
    assert len(found.pairs) == 3 and found.problems == []
    assert columns(whole(tmp_path / "mine").data) == {1: 1, 2: 2, 3: 3}


def test_the_very_name_comes_before_one_without_its_ending() -> None:
    files = {"images/x.png": photo(1), "images/x_mask.png": photo(2)}
    files |= {"masks/x.png": mask(1), "masks/x_mask.png": mask(2)}
    assert columns(whole(zipped(files)).data) == {1: 1, 2: 2}


def test_a_photo_called_mask_is_one_beside_its_own_mask() -> None:
    files = {"a.png": photo(1), "a_l.png": photo(2), "a_mask.png": mask(1), "a_l_mask.png": mask(2)}
    assert columns(whole(zipped(files)).data) == {1: 1, 2: 2}


def test_a_mask_that_fits_two_photos_goes_to_neither() -> None:
    files = {"images/a.png": photo(1), "images/a.bmp": photo(2), "masks/a.png": mask(1)}
    files |= {
        f"{folder}/{n}.png": make(n) for n in (3, 4) for folder, make in (("images", photo), ("masks", mask))
    }
    result = whole(zipped(files))
    assert columns(result.data) == {3: 3, 4: 4}
    assert "masks/a.png fits images/a.png and images/a.bmp alike" in sentences(result)


def test_a_photo_does_not_get_the_mask_of_another_part_or_folder() -> None:
    files = {"train/images/0.png": photo(1), "val/masks/0.png": mask(9), "siteA/images/5.png": photo(5),
             "siteB/masks/5.png": mask(8)}  # fmt: skip
    for n, folder in ((2, "train"), (3, "val"), (4, "siteA"), (6, "siteB")):
        files |= {f"{folder}/images/{n}.png": photo(n), f"{folder}/masks/{n}.png": mask(n)}
    result = whole(zipped(files))
    assert columns(result.data) == {2: 2, 3: 3, 4: 4, 6: 6}
    assert all(
        name in sentences(result) for name in ("train/images/0.png", "val/masks/0.png", "siteA/images/5.png")
    )


def test_masks_of_a_label_stay_in_their_part() -> None:
    files: dict[str, bytes] = {}
    for part, number in (("train", 2), ("val", 5)):
        files |= {f"{part}/images/0.png": photo(number), f"{part}/masks/cat/0.png": mask(number)}
        files |= {f"{part}/masks/dog/0.png": mask(number)}
    assert columns(whole(zipped(files)).data) == {2: 2, 5: 5}


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_letters_that_are_composed_in_two_ways_are_the_same(form: str, tmp_path: Path) -> None:
    other = {"NFC": "NFD", "NFD": "NFC"}[form]
    for folder, make, way in (("images", photo, form), ("masks", mask, other)):
        (tmp_path / "mine" / folder).mkdir(parents=True)
        for number, name in enumerate(("café", "Übung", "señal"), 1):
            path = tmp_path / "mine" / folder / unicodedata.normalize(way, f"{name}.png")  # type: ignore[arg-type]
            path.write_bytes(make(number))
    data = open_data(tmp_path / "mine")
    assert columns(data) == {1: 1, 2: 2, 3: 3} and data.problems == ()
    assert columns(whole(tmp_path / "mine").data) == {1: 1, 2: 2, 3: 3}


def test_a_split_is_kept_where_the_names_were_taken_apart_on_the_way(tmp_path: Path) -> None:
    for folder, make in (("images", photo), ("masks", mask)):
        (tmp_path / folder).mkdir()
        for number, name in enumerate(("é", "ü", "ñ", "ö"), 1):
            (tmp_path / folder / unicodedata.normalize("NFD", f"{name}.png")).write_bytes(make(number))
    kept = ["ñ.png", "ö.png"]
    about = {"split": {"train": ["é.png"], "validation": kept}, "left_out": ["ü.png"]}
    (tmp_path / "dataset.json").write_text(json.dumps(about), "utf-8")
    data = open_data(tmp_path)
    assert [unicodedata.normalize("NFC", n) for n in sorted(data.split.validation)] == kept
    assert len(data.pairs) == 3


def test_a_painted_mask_is_read_again_whatever_the_photo_is_called() -> None:
    folder, _ = painting.start("mine", [(f"{n}_mask.png", photo(n)) for n in (3, 5)])
    for waiting, number in zip(painting.photos_of(folder), (3, 5), strict=True):
        inside = np.zeros((SIDE, SIDE), np.uint8)
        inside[:, :number] = 1
        painting.save_mask(waiting, inside)
    assert all(w.is_done for w in painting.photos_of(folder))
    assert columns(open_data(folder)) == {3: 3, 5: 5}
