"""Trees of names, generated, for every tool: each label lands on its own photo or is named."""

import json
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.importing.outlines import Drawn
from core.data.importing.tools import annotation_plans
from tests.core.data.importing.numbered import SIDE
from tests.core.data.importing.test_trees_of_names import Photo, few, nfc, plans, text_of, trees

Labels = Sequence[tuple[int, Photo]]  # every label has its number as its class
Written = dict[str, bytes]


def labelme(labels: Labels) -> Written:
    """A file for each photo, in a tree that mirrors the photos'."""
    points = [[0, 0], [9, 0], [9, 9]]
    return {
        one.path("labels", one.suffix + ".json"): json.dumps({
            "imagePath": one.path("").rpartition("/")[2],
            "shapes": [{"label": f"<{n}>", "shape_type": "polygon", "points": points}],
        }).encode()
        for n, one in labels
    }  # fmt: skip


def supervisely(labels: Labels) -> Written:
    points = {"exterior": [[0, 0], [9, 0], [9, 9]], "interior": []}
    return {
        one.path("ann", one.suffix + ".json"): json.dumps({
            "size": {"height": SIDE, "width": SIDE},
            "objects": [{"classTitle": f"<{n}>", "geometryType": "polygon", "points": points}],
        }).encode()
        for n, one in labels
    }  # fmt: skip


def cvat(labels: Labels) -> Written:
    images = "".join(
        f'<image name="{one.path("")}"><polygon label="&lt;{n}&gt;" points="0,0;9,0;9,9"/></image>'
        for n, one in labels
    )
    return {"annotations.xml": f"<annotations><meta/>{images}</annotations>".encode()}


def via(labels: Labels) -> Written:
    shape = {"name": "polygon", "all_points_x": [0, 9, 9], "all_points_y": [0, 0, 9]}
    regions = [{"shape_attributes": shape, "region_attributes": {"class": f"<{n}>"}} for n, _ in labels]
    images = {str(n): {"filename": one.path(""), "size": n, "regions": [region]}
              for (n, one), region in zip(labels, regions, strict=True)}  # fmt: skip
    return {"labels/via.json": json.dumps(images).encode()}


def label_studio(labels: Labels) -> Written:
    def task(n: int, one: Photo) -> dict[str, object]:
        folder, _, file = one.path("").rpartition("/")
        value = {"points": [[0, 0], [9, 0], [9, 9]], "polygonlabels": [f"<{n}>"]}
        address = f"/data/upload/1/{folder}/{n:08x}-{file}"
        return {"data": {"image": address}, "annotations": [{"result": [{"value": value}]}]}

    return {"project.json": json.dumps([task(n, one) for n, one in labels]).encode()}


def run_lengths(labels: Labels) -> Written:
    """Kaggle's names have no suffix."""
    rows = [f"{one.path('', '.').removesuffix('.')},<{n}>,1 5" for n, one in labels]
    return {"train.csv": "\n".join(["ImageId,ClassId,EncodedPixels", *rows]).encode()}


@pytest.mark.parametrize("write", [labelme, supervisely, cvat, via, label_studio, run_lengths])
@few
@given(tree=trees, role=st.sampled_from(["", "images"]))
def test_every_label_lands_on_its_own_photo_or_is_named(
    write: Callable[[Labels], Written], tree: list[Photo], role: str
) -> None:
    role = {supervisely: "img", labelme: role}.get(write, "")
    files = {one.path(role): b"" for one in tree if one.has_photo}
    written = write([(n, one) for n, one in enumerate(tree, 1) if one.has_label])
    for plan in plans(annotation_plans, {**files, **written})[:1]:
        assert isinstance(plan.labels, Drawn)
        words = nfc(text_of(plan))
        for number, one in enumerate(tree, 1):
            label = f"<{number}>"
            having = {
                photo
                for photo, outlines in plan.labels.outlines.items()
                if any(plan.labels.names[o.category] == label for o in outlines)
            }
            own_path = nfc(one.path(role))
            own = {own_path}
            if write is run_lengths:  # which of a.png and a.bmp it means, nobody knows
                place = one.path("", "-")
                own = {nfc(o.path(role)) for o in tree if o.has_photo and o.path("", "-") == place}
                assert not having or len(own) == 1
            assert having <= own
            assert having or not one.has_label or nfc(one.stem) in words
            assert not one.has_photo or own_path in plan.labels.outlines or own_path in words
