"""Annotation files of a few bytes that ask for gigabytes are refused, or read without them."""

import base64
import io
import tracemalloc
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.data.importing.annotations import Annotations
from core.data.importing.label_studio import LABEL_STUDIO
from core.data.importing.outlines import UNREADABLE, Drawn
from core.data.importing.plan import Item
from core.data.importing.shapes import CocoShape, Outline, Polygons, Shares, StartRuns
from core.data.importing.sources import FilesSource
from core.data.importing.supervisely import MAX_BITMAP, SUPERVISELY

MEGABYTE = 1 << 20


@pytest.fixture
def peak() -> Iterator[Any]:
    """The largest number of bytes that Python and NumPy have held since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def test_a_number_in_place_of_run_lengths_reserves_no_memory(peak: Any) -> None:
    with pytest.raises(ValueError):
        CocoShape({"size": [8, 8], "counts": 50 * MEGABYTE}).inside(8, 8)
    value = {"rle": 50 * MEGABYTE, "brushlabels": ["thing"]}
    region = {"value": value, "original_width": 8, "original_height": 8}
    task = {"data": {"image": "a.png"}, "annotations": [{"result": [region]}]}
    assert "cannot be read" in LABEL_STUDIO.read("a.json", [task], {}).refused["a.png"]
    assert peak() < 5 * MEGABYTE


def test_an_outline_that_crosses_the_photo_ten_thousand_times_is_refused() -> None:
    """pycocotools reserves memory for every pixel along an outline, five times over."""
    ring = [float(value) for i in range(10_000) for value in ((i % 2) * 1000, i % 7)]
    shares = np.array(ring) / 1000
    for shape in (Polygons([ring]), CocoShape([ring]), Shares(shares)):
        with pytest.raises(ValueError, match="long"):
            shape.inside(1000, 1000)


def test_packed_bitmaps_are_unpacked_one_by_one(peak: Any) -> None:
    bomb = base64.b64encode(zlib.compress(bytes(8 * MEGABYTE))).decode()
    assert len(bomb) < MEGABYTE and 8 * MEGABYTE < MAX_BITMAP
    tracemalloc.reset_peak()
    found = supervisely([bomb] * 4)
    assert peak() < 5 * MEGABYTE
    for outline in found.outlines["../img/a.png"]:
        with pytest.raises(UNREADABLE):
            outline.shape.inside(8, 8)
    assert peak() < 28 * MEGABYTE


def test_packed_bitmaps_lie_where_they_were_drawn() -> None:
    stream = io.BytesIO()
    Image.fromarray(np.full((2, 3), 255, np.uint8)).save(stream, "PNG")
    packed = base64.b64encode(zlib.compress(stream.getvalue())).decode()
    (outline,) = supervisely([packed]).outlines["../img/a.png"]
    assert np.argwhere(outline.shape.inside(8, 8)).tolist() == [[y, x] for y in (0, 1) for x in (0, 1, 2)]


def supervisely(bitmaps: list[str]) -> Annotations:
    objects = [
        {"classTitle": "thing", "geometryType": "bitmap", "bitmap": {"origin": [0, 0], "data": data}}
        for data in bitmaps
    ]
    content = {"size": {"height": 8, "width": 8}, "objects": objects}
    return SUPERVISELY.read("ann/a.png.json", content, {})


def test_memory_does_not_grow_with_the_number_of_outlines(peak: Any) -> None:
    side, corner = 500, Polygons([[0, 0, 30, 0, 30, 30, 0, 30]])
    outlines = {"a.png": [Outline(i % 2, corner, i) for i in range(40)]}
    labels = Drawn(("one", "two"), outlines, {"a.png": (side, side)})
    labels.files(FilesSource([]), Item("a", "a.png", ()), (8, 8))
    assert peak() < 20 * side * side


def test_a_run_whose_end_is_no_64_bit_number_is_refused() -> None:
    with pytest.raises(ValueError):
        StartRuns(np.array([5, 2**63 - 1])).inside(8, 8)
