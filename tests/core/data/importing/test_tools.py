"""Exports of annotation tools, made with the tools' own libraries, give the masks that these draw."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from core.data.dataset import DataFolder
from core.data.importing.copying import Imported, import_data
from core.data.importing.recognition import recognise
from core.data.importing.sources import open_source
from core.data.store import read_pair
from core.errors import UserError
from tests.core.archives import zipped

EXPORTS = Path(__file__).parents[3] / "data"
LAYOUTS = {  # the layout's name, and the classes of the truth from 1 on
    "cvat_images": ("CVAT", ("person", "car")),
    "cvat_masks": ("CVAT masks", ("person", "car")),
    "label_studio": ("Label Studio", ("person", "car")),
    "via_csv": ("VIA", ("person", "car")),
    "via_json": ("VIA", ("person", "car")),
    "labelme": ("LabelMe", ("person", "wheel", "car")),
    "supervisely": ("Supervisely", ("person", "car")),
}
ANNOTATED = [tool for tool in LAYOUTS if not tool.endswith("masks")]  # numbers are the masks


def whole(given: object) -> Imported:
    return next(r for r in import_data(given, "mine") if isinstance(r, Imported))  # type: ignore[arg-type]


def by_truth(data: DataFolder, classes: tuple[str, ...]) -> dict[str, NDArray[np.uint8]]:
    """The labels of every photo, by its stem, as indices of these classes; 0 is background."""
    own = data.encoding.task.classes
    if len(classes) == 1:
        own = ("background", *classes)
    table = np.array([0 if c == "background" else 1 + classes.index(c) for c in own], np.uint8)
    return {Path(pair.name).stem: table[read_pair(pair, data.encoding)[1]] for pair in data.pairs}


def truth_of(tool: str) -> dict[str, NDArray[np.uint8]]:
    return {path.stem: np.array(Image.open(path)) for path in sorted((EXPORTS / tool / "truth").iterdir())}


def alike(labels: NDArray[np.uint8], truth: NDArray[np.uint8]) -> bool:
    """Whether two masks are equal but at the edges of shapes, where tools draw half a pixel apart."""
    kernel = np.ones((3, 3), np.uint8)
    inner = cv2.erode(truth, kernel) == cv2.dilate(truth, kernel)
    return labels.shape == truth.shape and not ((labels != truth) & inner).any()


@pytest.mark.parametrize("tool", LAYOUTS)
def test_an_export_is_recognised_and_its_masks_are_those_of_the_tool(tool: str) -> None:
    layout, classes = LAYOUTS[tool]
    export = zipped(EXPORTS / tool / "export")
    assert recognise(open_source(export))[0].layout == layout
    result = whole(export)
    labels, truth = by_truth(result.data, classes), truth_of(tool)
    assert labels.keys() == truth.keys() and result.problems == ()
    for name, own in truth.items():
        same = np.array_equal if "exact" in name else alike  # those are of bitmaps and run lengths
        assert same(labels[name], own), name


@pytest.mark.parametrize("tool", ANNOTATED)
def test_a_file_that_is_damaged_is_named_by_its_tool_and_the_others_come_in(tool: str) -> None:
    layout, _ = LAYOUTS[tool]
    files = export_of(tool)
    annotated = next(name for name in reversed(files) if Path(name).suffix in (".json", ".xml", ".csv"))
    broken = "broken.xml" if Path(annotated).suffix == ".xml" else "broken.json"
    result = whole(zipped({**files, broken: DAMAGE[layout]}))
    assert len(result.data.pairs) == len(truth_of(tool))
    assert next(p.sentence for p in result.problems if p.name == broken).startswith(
        f"{broken} is a {layout} file, but"
    )


@pytest.mark.parametrize("tool", ANNOTATED)
def test_an_export_without_its_photos_is_named_by_its_tool(tool: str) -> None:
    layout, _ = LAYOUTS[tool]
    files = {name: body for name, body in export_of(tool).items() if Path(name).suffix != ".png"}
    other = zipped({**files, "elsewhere.jpg": next((EXPORTS / tool / "truth").iterdir()).read_bytes()})
    with pytest.raises(UserError, match=f"is a {layout} file, but none of its photos is here"):
        recognise(open_source(other))


def export_of(tool: str) -> dict[str, bytes]:
    root = EXPORTS / tool / "export"
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


DAMAGE = {  # content that is of the tool, and cannot be read
    "CVAT": b'<annotations><image name="first.png"><mask label="person" rle="1, x"/></image></annotations>',
    "Label Studio": b'[{"data": {"image": "1.png"}, "annotations": [{"result": [{"value": {"rle": 1}}]}]}]',
    "VIA": b'{"first.png": {"filename": "first.png", "regions": [{"shape_attributes": {}}]}}',
    "LabelMe": b'{"imagePath": "first.png", "shapes": [{"shape_type": "polygon", "label": "person"}]}',
    "Supervisely": b'{"size": {"height": 36, "width": 48}, "objects": [{"geometryType": "bitmap"}]}',
}
