"""Label Studio's json: uploads, several annotators, JSON-MIN and what cannot be used."""

import json

import pytest

from core.data.importing.recognition import recognise
from core.data.importing.sources import open_source
from core.errors import UserError
from tests.core.archives import zipped
from tests.core.data.importing.imports import whole
from tests.core.data.importing.numbered import SIDE, columns, photo, sentences

PHOTOS = {f"{n}.png": photo(n) for n in (1, 2, 3)}


def region(number: int, **more: object) -> dict[str, object]:
    points = [[0, 0], [100 * number / SIDE, 0], [100 * number / SIDE, 100], [0, 100]]
    value = {"points": points, "closed": True, "polygonlabels": ["thing"]}
    return {"value": value, "type": "polygonlabels", "original_width": SIDE, "original_height": SIDE, **more}


def task(image: str, *annotations: dict[str, object]) -> dict[str, object]:
    return {"data": {"image": image}, "annotations": list(annotations)}


def done(*regions: dict[str, object], **more: object) -> dict[str, object]:
    return {"result": list(regions), **more}


@pytest.mark.parametrize(
    ("address", "photos"),
    [
        ("/data/upload/7/0123abc{n}-{n}.png", "{n}.png"),
        ("/data/upload/7/0123abc{n}-{n}.png", "images/0123abc{n}-{n}.png"),
        ("/data/local-files/?d=set/images/{n}.png", "images/{n}.png"),
        ("s3://bucket/some%20where/{n}%20b.png", "{n} b.png"),
        ("https://example.com/x/{n}.png?width=3", "x/{n}.png"),
    ],
)
def test_addresses_of_every_kind_of_storage_find_their_photos(address: str, photos: str) -> None:
    tasks = [task(address.format(n=n), done(region(n))) for n in (1, 2)]
    files = {photos.format(n=n): photo(n) for n in (1, 2)}
    assert columns(whole({**files, "project.json": json.dumps(tasks).encode()})) == {1: 1, 2: 2}


def test_two_uploads_of_one_name_are_named_and_the_photo_gets_neither() -> None:
    tasks = [task(f"/data/upload/1/{h}-1.png", done(region(n))) for h, n in (("0" * 8, 4), ("1" * 8, 5))]
    tasks += [task(f"/data/upload/1/2222222{n}-{n}.png", done(region(n))) for n in (2, 3)]
    result = whole({**PHOTOS, "a.json": json.dumps(tasks).encode()})
    assert columns(result) == {2: 2, 3: 3} and "may be any of 1.png" in sentences(result)


def test_of_several_annotations_the_ground_truth_is_taken_and_cancelled_ones_are_not() -> None:
    tasks = [
        task(
            "1.png", done(region(9), was_cancelled=True), done(region(8)), done(region(1), ground_truth=True)
        ),
        task("2.png", done()),
        task("3.png"),
    ]
    files = {f"{n}.png": photo(n) for n in (1, 2, 3)}
    result = whole({**files, "a.json": json.dumps(tasks).encode()})
    assert columns(result) == {1: 1, 2: 0}
    assert "1.png was annotated 2 times" in sentences(result) and "3.png is not annotated" in sentences(
        result
    )


def test_json_min_and_labels_chosen_apart_from_their_shape_are_read() -> None:
    small = [{"image": f"/data/upload/1/{n}.png", "label": [{**region(n)["value"],  # type: ignore[dict-item]
              "original_width": SIDE, "original_height": SIDE}]} for n in (1, 2)]  # fmt: skip
    files = {f"{n}.png": photo(n) for n in (1, 2)}
    assert columns(whole({**files, "a.json": json.dumps(small).encode()})) == {1: 1, 2: 2}
    bare = {key: value for key, value in region(1)["value"].items() if key == "points"}  # type: ignore[attr-defined]
    apart = done(region(1, id="a", value=bare), region(1, id="a", value={**bare, "labels": ["cat"]}))
    plan = recognise(open_source(zipped({**files, "a.json": json.dumps([task("1.png", apart)]).encode()})))[0]
    assert plan.labels.classes == ("cat",) and "1 outlines" in plan.summary


def test_a_photo_that_was_turned_is_named() -> None:
    tasks = [task("1.png", done(region(1, image_rotation=90)))]
    tasks += [task(f"{n}.png", done(region(n))) for n in (2, 3)]
    result = whole({**PHOTOS, "a.json": json.dumps(tasks).encode()})
    assert columns(result) == {2: 2, 3: 3} and "1.png was turned in Label Studio" in sentences(result)


@pytest.mark.parametrize("runs", [[], [0] * 6, [255] * 40, [0, 0, 16, 0, 56, 72, 247, 128]])
def test_brush_strokes_that_are_cut_short_leave_their_photo_behind_by_name(runs: list[int]) -> None:
    brush = region(1, value={"format": "rle", "rle": runs, "brushlabels": ["thing"]})
    tasks = [task("1.png", done(brush)), *(task(f"{n}.png", done(region(n))) for n in (2, 3))]
    result = whole({**PHOTOS, "a.json": json.dumps(tasks).encode()})
    assert columns(result) == {2: 2, 3: 3} and "An outline of 1.png cannot be read" in sentences(result)


def test_a_list_of_something_else_is_none_of_its_concern() -> None:
    with pytest.raises(UserError, match="no masks that go with photos"):
        recognise(open_source(zipped({"1.png": photo(1), "a.json": b'[{"data": {"x": 1}}, {"y": [1]}]'})))
