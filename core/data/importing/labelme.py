"""LabelMe's json: a file for each photo, with polygons, circles and masks.

Source of the form: `LabelFile.save` and `shapes_to_label` in https://github.com/wkentaro/labelme, which
also says that a later shape lies on earlier ones.
"""

import base64
import math
from typing import Any

from core.data.importing.annotations import Annotations, Tool
from core.data.importing.shapes import Bitmap, Ellipse, Polygons, Shape

WITHOUT_AREA = {"rectangle", "oriented_rectangle", "point", "points", "line", "linestrip"}


def _owns(content: Any) -> bool:
    return isinstance(content, dict) and isinstance(content.get("shapes"), list) and "imagePath" in content


def _read(file: str, content: Any, categories: dict[str, int]) -> Annotations:
    found, photo = Annotations(categories), str(content["imagePath"])
    found.add_photo(photo, content.get("imageHeight"), content.get("imageWidth"))
    for order, entry in enumerate(content["shapes"]):
        kind = entry.get("shape_type") or "polygon"
        if kind in WITHOUT_AREA:
            found.other[photo] += 1
        else:
            found.add(photo, str(entry["label"]), _shape(kind, entry), order)
    return found


def _shape(kind: str, entry: Any) -> Shape:
    points = [(float(x), float(y)) for x, y in entry["points"]]
    match kind:
        case "polygon":
            return Polygons([[value for point in points for value in point]])
        case "circle":
            (x, y), edge = points
            radius = math.dist((x, y), edge)
            return Ellipse(x, y, radius, radius)
        case "mask":
            x, y = points[0]
            return Bitmap(base64.b64decode(entry["mask"]), round(x), round(y))
        case _:
            raise ValueError(f"shapes of the kind {kind!r} are not known")


LABELME = Tool("LabelMe", ".json", _owns, _read, is_of_one_photo=True)
