"""COCO: which photo an outline belongs to, and files that cannot be used."""

import json
import unicodedata
from pathlib import Path

import pytest

from core.data.importing.recognition import recognise
from core.data.importing.sources import open_source
from core.errors import UserError
from tests.core import archives
from tests.core.archives import zipped
from tests.core.data.importing.imports import whole
from tests.core.data.importing.numbered import coco, columns, photo, polygon, sentences


def test_coco_names_are_compared_folder_by_folder_and_not_letter_by_letter() -> None:
    files = {"21/0.png": photo(5), "1/0.png": photo(3), "a.json": coco({"1/0.png": 3, "21/0.png": 5})}
    assert columns(whole(zipped(files)).data) == {3: 3, 5: 5}


def test_a_coco_photo_that_is_absent_gives_its_outlines_to_no_other() -> None:
    names = {"train/0.png": 3, "val/0.png": 5, "val/1.png": 6}
    files = {"val/0.png": photo(5), "val/1.png": photo(6), "all.json": coco(names)}
    result = whole(zipped(files))
    assert columns(result.data) == {5: 5, 6: 6}
    assert "train/0.png is named in all.json, but there is no such photo" in sentences(result)


def test_coco_photos_whose_names_differ_in_their_suffix_or_folder_alone_all_come_in() -> None:
    files = {"imgs/a.png": photo(1), "imgs/a.bmp": photo(2), "siteA/b.png": photo(3), "siteB/b.png": photo(4)}
    names = dict(zip(files, (1, 2, 3, 4), strict=True))
    assert columns(whole(zipped({**files, "all.json": coco(names)})).data) == {1: 1, 2: 2, 3: 3, 4: 4}


def test_each_json_beside_its_photos_speaks_of_these_alone() -> None:
    files = {"siteA/a.json": coco({"0.png": 1, "1.png": 2}), "siteB/a.json": coco({"0.png": 3, "1.png": 4})}
    files |= {"siteA/1.png": photo(2), "siteB/0.png": photo(3), "siteB/1.png": photo(4)}
    result = whole(zipped(files))
    assert columns(result.data) == {2: 2, 3: 3, 4: 4} and "0.png is named in siteA/a.json" in sentences(
        result
    )


def test_a_coco_name_that_fits_two_photos_is_named_and_goes_to_neither() -> None:
    files = {"one/0.png": photo(1), "two/0.png": photo(2), "x/5.png": photo(5), "x/6.png": photo(6)}
    result = whole(zipped({**files, "labels/all.json": coco({"0.png": 1, "5.png": 5, "6.png": 6})}))
    assert columns(result.data) == {5: 5, 6: 6} and "may be any of one/0.png, two/0.png" in sentences(result)


def test_paths_of_another_machine_are_understood() -> None:
    names = {r"C:\work\photos\1.png": 1, r"C:\work\photos\2.png": 2}
    files = {"images/1.png": photo(1), "images/2.png": photo(2), "annotations/all.json": coco(names)}
    assert columns(whole(zipped(files)).data) == {1: 1, 2: 2}


@pytest.mark.parametrize("folder", ["my-test", "test", "latest", "contest-val"])
def test_a_folder_that_is_called_like_a_part_is_none_when_everything_is_in_it(folder: str) -> None:
    names = {f"{folder}/{n}.png": n for n in range(1, 7)}
    files = {name: photo(n) for name, n in names.items()} | {"all.json": coco(names)}
    data = whole(zipped(files)).data
    assert data.split.test == () and 0 < len(data.split.validation) < 6


def test_one_unreadable_json_does_not_refuse_a_good_one() -> None:
    files = {f"{n}.png": photo(n) for n in (1, 2)} | {
        "bad.json": b"{",
        "good.json": coco({"1.png": 1, "2.png": 2}),
    }
    result = whole(zipped(files))
    assert columns(result.data) == {1: 1, 2: 2} and "bad.json" in sentences(result)


def test_more_categories_than_can_be_told_apart_are_one_foreground_until_fewer_are_chosen() -> None:
    content = json.loads(coco({"1.png": 1, "2.png": 2}))
    content["categories"] = [{"id": i, "name": f"kind {i}"} for i in range(1203)]
    content["annotations"] = [
        {"id": i, "image_id": i % 2, "category_id": i, "segmentation": polygon(1 + i % 2)}
        for i in range(1203)
    ]
    files = {f"{n}.png": photo(n) for n in (1, 2)} | {"lvis.json": json.dumps(content).encode()}
    plan = recognise(open_source(zipped(files)))[0]
    assert "254" in plan.summary and columns(whole(zipped(files)).data) == {1: 1, 2: 2}
    with pytest.raises(UserError, match="254"):
        plan.choosing(plan.labels.classes, False)
    few = plan.choosing(("kind 3", "kind 4"), False).labels.encoding()
    assert few is not None and few.task.classes == ("background", "kind 3", "kind 4")


def test_coco_names_in_either_form_find_their_photos(tmp_path: Path) -> None:
    names = {unicodedata.normalize("NFD", "é.png"): 1, unicodedata.normalize("NFC", "ü.png"): 2}
    (tmp_path / "mine").mkdir()
    for name, number in names.items():
        form = "NFC" if unicodedata.is_normalized("NFD", name) else "NFD"
        (tmp_path / "mine" / unicodedata.normalize(form, name)).write_bytes(photo(number))  # type: ignore[arg-type]
    (tmp_path / "mine" / "a.json").write_bytes(coco(names))
    assert columns(whole(tmp_path / "mine").data) == {1: 1, 2: 2}


@pytest.mark.parametrize(
    "shape",
    [
        {"size": [96, 64], "counts": "garbage~"},
        {"size": [96, 64], "counts": "\x30" * 5000},
        {"size": [96, 64], "counts": [10, 20]},
        {"size": [96, 64], "counts": [-5, 64 * 96 + 5]},
        {"size": [9600, 6400], "counts": [6400 * 9600]},
        {"nothing": 1},
        [["a", "b", "c", "d", "e", "f"]],
    ],
)
def test_damaged_outlines_leave_their_photo_behind_by_name(shape: object) -> None:
    import json

    files = archives.coco(4)
    content = json.loads(files["annotations/instances_default.json"])
    content["annotations"][0]["segmentation"] = shape
    files["annotations/instances_default.json"] = json.dumps(content).encode()
    result = whole(zipped(files))
    assert [pair.name for pair in result.data.pairs] == ["1.jpg", "2.jpg", "3.jpg"]
    assert any("0.jpg" in p.sentence and "cannot be read" in p.sentence for p in result.problems)
