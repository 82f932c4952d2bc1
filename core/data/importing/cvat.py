"""CVAT's XML, "CVAT for images": polygons, masks and ellipses for photos that it lists.

Source of the form: https://docs.cvat.ai/docs/other/xml_format. A mask's run lengths go row by row through
its box, as `create_xml_dumper` in https://github.com/cvat-ai/cvat writes them. What has a higher z_order
lies above.
"""

from typing import Any
from xml.etree.ElementTree import Element

from core.data.importing.annotations import Annotations, Tool
from core.data.importing.shapes import BoxRuns, Ellipse, Polygons, Shape
from core.errors import UserError

WITHOUT_AREA = {"box", "polyline", "points", "cuboid", "skeleton"}


def _owns(root: Any) -> bool:
    return root.tag == "annotations" and any(root.find(tag) is not None for tag in ("image", "track", "meta"))


def _read(file: str, root: Any, categories: dict[str, int]) -> Annotations:
    found = Annotations(categories)
    for image in root.iter("image"):
        # Of a project, equal names in two subsets are two photos.
        photo = "/".join(filter(None, (image.get("subset"), image.attrib["name"])))
        found.add_photo(photo, image.get("height"), image.get("width"))
        for number, entry in enumerate(image, 1):
            if entry.tag in WITHOUT_AREA:
                found.other[photo] += 1
            elif entry.tag in SHAPES:
                with found.naming_damage(f"Shape {number}", photo):
                    shape = SHAPES[entry.tag](entry)
                    found.add(photo, entry.attrib["label"], shape, int(entry.get("z_order", 0)))
    if not found.outlines and root.find("track") is not None:
        raise UserError("for videos: export the task once more, as CVAT for images.")
    return found


def _polygon(entry: Element) -> Shape:
    points = entry.attrib["points"].split(";")
    return Polygons([[float(value) for point in points for value in point.split(",")]])


def _mask(entry: Element) -> Shape:
    left, top, width, height = (int(entry.attrib[key]) for key in ("left", "top", "width", "height"))
    return BoxRuns(tuple(map(int, entry.attrib["rle"].split(","))), left, top, width, height)


def _ellipse(entry: Element) -> Shape:
    x, y, half_width, half_height = (float(entry.attrib[key]) for key in ("cx", "cy", "rx", "ry"))
    return Ellipse(x, y, half_width, half_height, float(entry.get("rotation", 0)))


SHAPES = {"polygon": _polygon, "mask": _mask, "ellipse": _ellipse}
CVAT = Tool("CVAT", ".xml", _owns, _read, by_stem=True)
