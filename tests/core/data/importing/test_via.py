"""VIA's json and csv: names, classes, old and new versions."""

import json

import pytest

from core.data.importing.recognition import recognise
from core.data.importing.sources import open_source
from core.errors import UserError
from tests.core.archives import zipped
from tests.core.data.importing.imports import whole
from tests.core.data.importing.numbered import SIDE, columns, photo, sentences


def image(name: str, number: int, attributes: object, size: int = 7) -> dict[str, object]:
    shape = {"name": "polygon", "all_points_x": [0, number, number, 0], "all_points_y": [0, 0, SIDE, SIDE]}
    return {"filename": name, "size": size,
            "regions": [{"shape_attributes": shape, "region_attributes": attributes}]}  # fmt: skip


def via(*images: dict[str, object]) -> bytes:
    return json.dumps({f"{one['filename']}{one['size']}": one for one in images}).encode()


PHOTOS = {f"{n}.png": photo(n) for n in (1, 2, 3)}


def test_regions_in_a_list_or_by_number_are_read() -> None:
    old = image("2.png", 2, {})
    old["regions"] = {"0": old["regions"][0]}  # type: ignore[index]
    result = whole({**PHOTOS, "via.json": via(image("1.png", 1, {}), old)})
    assert columns(result) == {1: 1, 2: 2} and "3.png is named in none of the VIA files" in sentences(result)


@pytest.mark.parametrize(
    ("attributes", "names"),
    [
        ([{"class": "cat", "remark": "x"}, {"class": "dog", "remark": "y"}], {"cat", "dog"}),
        ([{"Sort": "cat"}, {"Sort": "dog"}], {"cat", "dog"}),
        ([{"type": {"cat": True, "dog": False}}, {"type": {"dog": True}}], {"cat", "dog"}),
        ([{"class": "cat"}, {}], {"cat", "no class"}),
        ([{}, {}], {"no class"}),
    ],
)
def test_the_class_is_the_attribute_that_is_called_so_or_that_most_regions_have(
    attributes: list[object], names: set[str]
) -> None:
    images = [image(f"{n}.png", n, own) for n, own in enumerate(attributes, 1)]
    plan = recognise(open_source(zipped({**PHOTOS, "via.json": via(*images)})))[0]
    assert set(plan.labels.classes) == names


def test_two_photos_of_one_name_are_named_and_get_no_labels() -> None:
    images = (image("1.png", 5, {}, 7), image("1.png", 6, {}, 8), *(image(f"{n}.png", n, {}) for n in (2, 3)))
    result = whole({**PHOTOS, "via.json": via(*images)})
    assert columns(result) == {2: 2, 3: 3} and "1.png is two photos of one name" in sentences(result)


def test_a_project_of_version_3_is_named_with_the_way_out() -> None:
    project = json.dumps({"project": {}, "config": {}, "attribute": {}, "file": {}, "metadata": {}}).encode()
    with pytest.raises(UserError, match=r"p.json is a VIA file, but of version 3.* export it as COCO"):
        recognise(open_source(zipped({**PHOTOS, "p.json": project})))
