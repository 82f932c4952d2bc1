"""COCO's json: polygons and run lengths for photos that it lists.

Source of the form: https://cocodataset.org/#format-data
"""

from typing import Any

from core.data.importing.annotations import Annotations, Tool
from core.data.importing.shapes import CocoShape


def _owns(content: Any) -> bool:
    if not isinstance(content, dict):
        return False
    lists = [content.get(key) for key in ("images", "annotations", "categories")]
    return all(isinstance(part, list) and all(isinstance(e, dict) for e in part) for part in lists)


def _read(file: str, content: Any, categories: dict[str, int]) -> Annotations:
    found, photos = Annotations(categories), {}
    for image in content["images"]:
        name = str(image.get("file_name") or f"the image with id {image.get('id')}")
        photos[image.get("id")] = name
        found.add_photo(name, image.get("height"), image.get("width"))
    names = {c["id"]: str(c.get("name", c["id"])) for c in content["categories"] if "id" in c}
    for name in names.values():
        categories.setdefault(name.strip() or "no class", len(categories))
    orphans = 0
    for entry in content["annotations"]:
        photo, label = photos.get(entry.get("image_id")), names.get(entry.get("category_id"))
        if photo is None or label is None:
            orphans += 1
        elif entry.get("segmentation"):
            found.add(photo, label, CocoShape(entry["segmentation"]))
        else:
            found.other[photo] += 1
    if orphans:
        found.remarks.append(
            f"{orphans:,} annotations in {file} are of images or categories that it does not list."
        )
    return found


COCO = Tool("COCO", ".json", _owns, _read, layout="COCO json")
