"""Label Studio's json: polygons and ellipses in percent of the photo, and brush strokes as run lengths.

Sources of the form: https://labelstud.io/guide/task_format, https://labelstud.io/tags/brushlabels and, for
the run lengths, `decode_rle` in https://github.com/HumanSignal/label-studio-converter. "JSON-MIN" holds the
same shapes without the rest.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
from numpy.typing import NDArray

from core.data.importing.annotations import Annotations, Tool
from core.data.importing.names import is_picture
from core.data.importing.shapes import Ellipse, Shape, Shares

_UPLOADED = re.compile(r"^[0-9a-f]{8}-(?=.)")


@dataclass(frozen=True, slots=True)
class BrushRuns:
    """A painted picture, packed bit by bit: red, green, blue and opacity of every pixel, row by row. What
    is not fully transparent is inside."""

    packed: bytes
    width: int
    height: int

    def inside(self, height: int, width: int) -> NDArray[np.bool_]:
        if (self.width, self.height) != (width, height):
            raise ValueError(f"it was painted on {self.width}x{self.height} pixels, not {width}x{height}")
        values = _unpacked(self.packed, 4 * height * width)
        return np.asarray(values[3::4].reshape(height, width) > 0)


def _unpacked(packed: bytes, count: int) -> NDArray[np.uint8]:
    """The values of a packed picture. It begins with their number (32 bits), the bits of a value less one
    (5) and four sizes of run lengths less one (4 each). Then follow runs: whether one value is repeated
    (1 bit), which of the sizes the length has (2), the length less one, and the value or the values."""
    bits = f"{int.from_bytes(packed):0{8 * len(packed)}b}"
    if len(bits) < 53 or int(bits[:32], 2) != count:
        raise ValueError("run lengths do not fill the picture")
    word = int(bits[32:37], 2) + 1
    sizes = [int(bits[at : at + 4], 2) + 1 for at in (37, 41, 45, 49)]
    values = np.zeros(count, np.uint8)
    done, at = 0, 53
    while done < count:
        size = sizes[int(bits[at + 1 : at + 3], 2)]
        length = int(bits[at + 3 : at + 3 + size], 2) + 1
        repeated, at = bits[at] == "1", at + 3 + size
        words = 1 if repeated else length
        if done + length > count or at + words * word > len(bits):
            raise ValueError("run lengths do not fill the picture")
        run = [min(255, int(bits[i : i + word], 2)) for i in range(at, at + words * word, word)]
        values[done : done + length] = run
        done, at = done + length, at + words * word
    return values


def _owns(content: Any) -> bool:
    if not isinstance(content, list) or not content or not all(isinstance(task, dict) for task in content):
        return False
    tasks = any(
        isinstance(task.get("data"), dict) and ("annotations" in task or "completions" in task)
        for task in content
    )
    return tasks or any(next(_regions_in(task), None) is not None for task in content)


def _read(file: str, content: Any, categories: dict[str, int]) -> Annotations:
    found = Annotations(categories)
    for number, task in enumerate(content, 1):
        photo = _photo_of(task.get("data") or task) or f"task {task.get('id', number)}"
        if photo in found.outlines:
            found.refused[photo] = f"{photo} is in two tasks of {file}: leave one of them out."
            continue
        found.add_photo(photo)
        with found.naming_damage("The annotation", photo):
            for place, region in enumerate(_labelled(_regions(found, file, photo, task)), 1):
                with found.naming_damage(f"Region {place}", photo):
                    _add(found, photo, region)
    return found


def _regions(found: Annotations, file: str, photo: str, task: dict[str, Any]) -> list[dict[str, Any]]:
    """The shapes of a task: of several annotations the ground truth, else the first not cancelled."""
    done = task.get("annotations", task.get("completions"))
    if done is None:  # JSON-MIN
        return list(_regions_in(task))
    done = [one for one in done if not one.get("was_cancelled")]
    done.sort(key=lambda one: not one.get("ground_truth"))
    if len(done) > 1:
        found.remarks.append(f"{photo} was annotated {len(done)} times in {file}: one is taken.")
    if not done:
        found.refused[photo] = f"{photo} is not annotated in {file}: annotate it or leave it out."
        return []
    return [{**e, **(e.get("value") or {})} for e in done[0]["result"]]


def _regions_in(task: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The shapes of a task of JSON-MIN, which has them under the names of the labelling tags."""
    for value in task.values():
        if isinstance(value, list):
            yield from (
                e for e in value if isinstance(e, dict) and {"original_width", "original_height"} <= e.keys()
            )


def _labelled(regions: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every shape once: where a brush and a label were chosen apart, the two entries share an id."""
    named = {region["id"] for region in regions if "id" in region and _label_of(region)}
    return (r for r in regions if _label_of(r) or "id" not in r or r["id"] not in named)


def _label_of(region: dict[str, Any]) -> str:
    keys = [key for key, value in region.items() if key.endswith("labels") and isinstance(value, list)]
    return ", ".join(str(label) for key in keys for label in region[key])


def _add(found: Annotations, photo: str, region: dict[str, Any]) -> None:
    shape: Shape
    if region.get("image_rotation"):
        found.refused[photo] = (
            f"{photo} was turned in Label Studio: turn the photo itself and annotate again."
        )
    elif "rle" in region:
        width, height = int(region["original_width"]), int(region["original_height"])
        packed = bytes(list(region["rle"]))  # bytes(number) would be that many zeros
        found.add(photo, _label_of(region), BrushRuns(packed, width, height))
        found.sizes[photo] = height, width
    elif "points" in region:
        points = np.array(region["points"], np.float64).reshape(-1) / 100
        found.add(photo, _label_of(region), Shares(points))
    elif "radiusX" in region:
        across, down = float(region["original_width"]) / 100, float(region["original_height"]) / 100
        shape = Ellipse(
            region["x"] * across, region["y"] * down, region["radiusX"] * across, region["radiusY"] * down,
            region.get("rotation", 0),
        )  # fmt: skip
        found.add(photo, _label_of(region), shape)
        found.sizes[photo] = int(region["original_height"]), int(region["original_width"])
    elif {"x", "y"} <= region.keys():
        found.other[photo] += 1


def _photo_of(data: dict[str, Any]) -> str:
    """The photo's name in a task's data: of an upload, a path, or an address in the cloud; "" where none."""
    for value in data.values():
        if not isinstance(value, str):
            continue
        address = urlsplit(value)
        local = parse_qs(address.query).get("d", [""])[0]  # /data/local-files/?d=folder/photo.jpg
        name = local or (unquote(address.path) if address.scheme else unquote(value.partition("?")[0]))
        if is_picture(name):
            return name
    return ""


def _before_upload(name: str) -> str:
    """The name that a photo had before Label Studio put eight digits and a dash before it."""
    folder, slash, file = name.rpartition("/")
    return folder + slash + _UPLOADED.sub("", file)


LABEL_STUDIO = Tool("Label Studio", ".json", _owns, _read, other_name=_before_upload)
