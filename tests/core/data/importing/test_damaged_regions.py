"""A damaged region of a list of photos costs the photo that it is of, by name, and no other."""

import csv
import io
import json
from collections.abc import Callable

import pytest

from core.data.importing.recognition import recognise
from core.data.importing.sources import open_source
from core.errors import UserError
from tests.core.archives import zipped
from tests.core.data.importing.imports import whole
from tests.core.data.importing.numbered import SIDE, columns, photo, sentences

PHOTOS = {f"{n}.png": photo(n) for n in (1, 2, 3)}


def via_shape(number: int) -> dict[str, object]:
    return {"name": "polygon", "all_points_x": [0, number, number, 0], "all_points_y": [0, 0, SIDE, SIDE]}


def via(damage: object) -> bytes:
    images = {
        n: {"filename": f"{n}.png", "size": 1,
            "regions": [{"shape_attributes": via_shape(n), "region_attributes": {"class": "cat"}}]}
        for n in (1, 2, 3)
    }  # fmt: skip
    images[2]["regions"].append(damage)  # type: ignore[attr-defined]
    return json.dumps(images).encode()


def via_csv(damage: str) -> bytes:
    stream = io.StringIO()
    rows = csv.writer(stream)
    rows.writerow(["#filename", "file_size", "region_shape_attributes", "region_attributes"])
    for n in (1, 2, 3):
        rows.writerow([f"{n}.png", 1, json.dumps(via_shape(n)), "{}"])
    rows.writerow(["2.png", 1, damage] if damage else ["2.png", 1, json.dumps(via_shape(2)), "{cut"])
    return stream.getvalue().encode()


def cvat(damage: str) -> bytes:
    points = "0,0;{n},0;{n},{s};0,{s}"
    images = "".join(
        f'<image name="{n}.png" width="{SIDE}" height="{SIDE}">'
        f'<polygon label="cat" points="{points.format(n=n, s=SIDE)}"/>{damage if n == 2 else ""}</image>'
        for n in (1, 2, 3)
    )
    return f"<annotations><version>1.1</version>{images}</annotations>".encode()


def label_studio(damage: object) -> bytes:
    tasks = []
    for n in (1, 2, 3):
        points = [[0, 0], [100 * n / SIDE, 0], [100 * n / SIDE, 100], [0, 100]]
        value = {"points": points, "polygonlabels": ["cat"]}
        region = {"value": value, "original_width": SIDE, "original_height": SIDE}
        result = [region, damage] if n == 2 else [region]
        tasks.append({"data": {"image": f"{n}.png"}, "annotations": [{"result": result}]})
    return json.dumps(tasks).encode()


CASES = [
    ("a.json", via, {"shape_attributes": {"name": "polygon", "all_points_x": [1, "x"], "all_points_y": [1]}}),
    ("a.json", via, {"shape_attributes": {"name": "squiggle"}}),
    ("a.json", via, {"region_attributes": {"class": "cat"}}),
    ("a.json", via, 5),
    ("a.csv", via_csv, '{"name": "poly'),
    ("a.csv", via_csv, ""),
    ("a.xml", cvat, '<polygon label="cat" points="1,1;2"/><polygon label="cat" points="no numbers"/>'),
    ("a.xml", cvat, '<mask label="cat" rle="1, 2" left="0"/>'),
    ("a.xml", cvat, '<polygon points="1,1;2,2;3,1"/>'),
    ("a.json", label_studio, {"value": {"points": [["a", "b"]], "polygonlabels": ["cat"]}}),
    ("a.json", label_studio, {"value": {"rle": [1, 999], "brushlabels": ["cat"], "original_width": 1}}),
    ("a.json", label_studio, 7),
]


@pytest.mark.parametrize(("name", "write", "damage"), CASES)
def test_the_photo_is_named_and_the_others_are_imported(
    name: str, write: Callable[[object], bytes], damage: object
) -> None:
    result = whole({**PHOTOS, name: write(damage)})
    assert columns(result) == {1: 1, 3: 3}
    (sentence,) = (one for one in sentences(result).splitlines() if "2.png" in one)
    assert "of 2.png cannot be read" in sentence


def test_a_size_that_is_no_number_costs_its_photo() -> None:
    content = cvat("").replace(b'name="2.png" width="', b'name="2.png" width="x')
    result = whole({**PHOTOS, "a.xml": content})
    assert columns(result) == {1: 1, 3: 3} and "The size of 2.png cannot be read" in sentences(result)


def test_a_file_of_nothing_but_damage_is_refused_by_its_first_one() -> None:
    with pytest.raises(UserError, match=r"a\.xml is a CVAT file, but Shape 1 of 2\.png cannot be read"):
        only = b'<annotations><image name="2.png"><polygon points="1"/></image></annotations>'
        recognise(open_source(zipped({"2.png": photo(2), "a.xml": only})))
