"""Supervisely's own json: `project/dataset/ann/photo.jpg.json` beside `project/dataset/img/photo.jpg`.

Sources of the form: https://developer.supervisely.com/getting-started/supervisely-annotation-format/objects
and, for bitmaps, `Bitmap.base64_2_data` in https://github.com/supervisely/supervisely. Later objects lie on
earlier ones, as `Annotation.draw` has it.
"""

import base64
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from core.data.importing.annotations import Annotations, Tool
from core.data.importing.shapes import Bitmap, Mask, Polygons

MAX_BITMAP = 100_000_000  # bytes of a bitmap's file: compressed data may lie about what it unpacks to
WITHOUT_AREA = {"rectangle", "line", "polyline", "point", "graph", "cuboid", "cuboid_2d", "oriented_bbox"}


@dataclass(frozen=True, slots=True)
class PackedBitmap:
    """A Bitmap as base64 text. It is unpacked only while it is drawn, since a small file may hold many
    that unpack to MAX_BITMAP bytes each."""

    data: str
    left: int
    top: int

    def inside(self, height: int, width: int) -> Mask:
        return Bitmap(_unpacked(self.data), self.left, self.top).inside(height, width)


def _owns(content: Any) -> bool:
    if not isinstance(content, dict) or not isinstance(content.get("objects"), list):
        return False
    size = content.get("size")
    return isinstance(size, dict) and {"height", "width"} <= size.keys()


def _read(file: str, content: Any, categories: dict[str, int]) -> Annotations:
    path = PurePosixPath(file)
    # img/ lies beside ann/; where the two were moved apart, the name finds the photo.
    found, photo = Annotations(categories), f"../img/{path.stem}"
    found.add_photo(photo, content["size"]["height"], content["size"]["width"])
    for order, entry in enumerate(content["objects"]):
        label, kind = str(entry["classTitle"]), entry.get("geometryType")
        if kind == "bitmap" or (kind is None and entry.get("bitmap")):
            left, top = entry["bitmap"]["origin"]
            found.add(photo, label, PackedBitmap(str(entry["bitmap"]["data"]), int(left), int(top)), order)
        elif kind in WITHOUT_AREA:
            found.other[photo] += 1
        elif kind in ("polygon", None):
            points = entry["points"]
            holes = [_flat(ring) for ring in points.get("interior", [])]
            found.add(photo, label, Polygons([_flat(points["exterior"])], holes), order)
        else:
            raise ValueError(f"shapes of the kind {kind!r} are not known")
    return found


def _unpacked(data: str) -> bytes:
    """The picture's file: base64, and zlib within unless an old program wrote it."""
    packed = base64.b64decode(data)
    try:
        unpacking = zlib.decompressobj()
        content = unpacking.decompress(packed, MAX_BITMAP)
    except zlib.error:
        return packed
    if unpacking.unconsumed_tail:
        raise ValueError("a bitmap is larger than a photo can be")
    return content


def _flat(ring: Sequence[Sequence[float]]) -> list[float]:
    return [float(value) for x, y in ring for value in (x, y)]


SUPERVISELY = Tool("Supervisely", ".json", _owns, _read, is_of_one_photo=True)
