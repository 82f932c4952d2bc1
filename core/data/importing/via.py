"""VIA, the VGG Image Annotator: its json (project, or annotations alone) and its csv, of versions 1 and 2.

Source of the form: `pack_via_metadata` in via.js, https://gitlab.com/vgg/via. Of the attributes of a region
one is the class: one that is called so, or else the one that most regions have.
"""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from core.data.importing.annotations import Annotations, Tool
from core.data.importing.shapes import Ellipse, Polygons, Shape
from core.errors import UserError

WITHOUT_AREA = {"rect", "point", "polyline", "line"}
CLASS_ATTRIBUTES = ("class", "label", "category", "type", "name", "object", "object_name")
HEADER = {"filename", "region_shape_attributes", "region_attributes"}
# Its shape and its attributes. What is damaged has no shape, which is named where the region is read.
Region = tuple[Mapping[str, Any], Mapping[str, Any]]
DAMAGED: Region = ({}, {})


def _owns_json(content: Any) -> bool:
    if not isinstance(content, dict):
        return False
    if "_via_img_metadata" in content or {"project", "config", "attribute", "metadata"} <= content.keys():
        return True
    return bool(content) and all(
        isinstance(image, dict) and {"filename", "regions"} <= image.keys() for image in content.values()
    )


def _read_json(file: str, content: Any, categories: dict[str, int]) -> Annotations:
    if "metadata" in content and "attribute" in content:
        raise UserError(
            "of version 3, whose projects are not read: export it as COCO, or annotate in version 2."
        )
    images: dict[tuple[str, str], list[Region]] = {}
    for image in content.get("_via_img_metadata", content).values():
        regions = image["regions"].values() if isinstance(image["regions"], dict) else image["regions"]
        images[str(image["filename"]), str(image.get("size", ""))] = [_region(one) for one in regions or []]
    return _annotations(file, images, _options(content), categories)


def _region(entry: Any) -> Region:
    if not isinstance(entry, dict):
        return DAMAGED
    shape, attributes = entry.get("shape_attributes"), entry.get("region_attributes") or {}
    return (shape, attributes) if isinstance(shape, dict) and isinstance(attributes, dict) else DAMAGED


def _owns_csv(rows: Any) -> bool:
    return bool(rows) and {cell.strip().lstrip("#") for cell in rows[0]} >= HEADER


def _read_csv(file: str, rows: Any, categories: dict[str, int]) -> Annotations:
    columns = {cell.strip().lstrip("#"): at for at, cell in enumerate(rows[0])}
    shape_at, attributes_at = columns["region_shape_attributes"], columns["region_attributes"]
    images: dict[tuple[str, str], list[Region]] = defaultdict(list)
    for row in rows[1:]:
        cells = [*row, *[""] * (len(columns) - len(row))]  # a file may be cut short
        size = cells[columns["file_size"]] if "file_size" in columns else ""
        regions = images[cells[columns["filename"]], size]
        try:
            shape, attributes = (json.loads(cells[at] or "{}") for at in (shape_at, attributes_at))
        except ValueError:
            regions.append(DAMAGED)
            continue
        if shape:  # a photo without regions has a row of its own
            regions.append(_region({"shape_attributes": shape, "region_attributes": attributes}))
    return _annotations(file, images, {}, categories)


def _annotations(
    file: str, images: Mapping[tuple[str, str], list[Region]], options: Mapping[str, Mapping[str, str]],
    categories: dict[str, int],
) -> Annotations:  # fmt: skip
    found = Annotations(categories)
    attribute = _class_attribute(a for regions in images.values() for _, a in regions)
    names = Counter(name for name, _ in images)
    for (name, _), regions in images.items():
        found.add_photo(name)
        if names[name] > 1:  # VIA knows them by their sizes, which a photo saved again has not
            found.refused[name] = f"{name} is two photos of one name in {file}: name them with their folders."
            continue
        for number, (shape, attributes) in enumerate(regions, 1):
            with found.naming_damage(f"Region {number}", name):
                if shape["name"] in WITHOUT_AREA:
                    found.other[name] += 1
                else:
                    label = _value(attributes.get(attribute), options.get(attribute, {}))
                    found.add(name, label, _shape(shape))
    return found


def _class_attribute(attributes: Iterable[Mapping[str, Any]]) -> str:
    counts = Counter(name for own in attributes for name, value in own.items() if value not in ("", {}, None))
    known = {name.lower(): name for name in counts}
    named = next((known[name] for name in CLASS_ATTRIBUTES if name in known), "")
    return named or next((name for name, _ in counts.most_common(1)), "")


def _options(content: Mapping[str, Any]) -> dict[str, Mapping[str, str]]:
    """What the choices of an attribute are called, where the project says so."""
    declared = (content.get("_via_attributes") or {}).get("region") or {}
    return {
        name: own["options"]
        for name, own in declared.items()
        if isinstance(own, dict) and isinstance(own.get("options"), dict)
    }


def _value(value: Any, options: Mapping[str, str]) -> str:
    chosen = [key for key, is_on in value.items() if is_on] if isinstance(value, dict) else [value or ""]
    return ", ".join(str(options.get(key) or key) for key in chosen)


def _shape(shape: Mapping[str, Any]) -> Shape:
    match shape["name"]:
        case "polygon":
            pairs = zip(shape["all_points_x"], shape["all_points_y"], strict=True)
            return Polygons([[float(value) for pair in pairs for value in pair]])
        case "circle":
            radius = float(shape["r"])
            return Ellipse(float(shape["cx"]), float(shape["cy"]), radius, radius)
        case "ellipse":
            turn = math.degrees(float(shape.get("theta", 0)))  # of version 2.0.9 and later
            x, y, half_width, half_height = (float(shape[key]) for key in ("cx", "cy", "rx", "ry"))
            return Ellipse(x, y, half_width, half_height, turn)
        case kind:
            raise ValueError(f"regions of the kind {kind!r} are not known")


VIA_JSON = Tool("VIA", ".json", _owns_json, _read_json)
VIA_CSV = Tool("VIA", ".csv", _owns_csv, _read_csv)
