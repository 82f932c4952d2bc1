"""What lies beside the pictures and says more about them: names of classes, colours and parts."""

import contextlib
import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from core.data.dataset import DATASET_FILE
from core.data.importing.mask_labels import Colour
from core.data.importing.names import PARTS
from core.data.importing.sources import Source

VOC_CLASSES = ("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair",
               "cow", "dining table", "dog", "horse", "motorbike", "person", "potted plant", "sheep", "sofa",
               "train", "tv monitor")  # fmt: skip
# Source: http://host.robots.ox.ac.uk/pascal/VOC/voc2012/#devkit

NUMBER = re.compile(r"\d{1,9}")


def palette_names(source: Source) -> dict[Colour, str]:
    """Names of colours, from class_dict.csv (name, r, g, b) or labelmap.txt (name:r,g,b::)."""
    found: dict[Colour, str] = {}
    for name in source.names:
        base = PurePosixPath(name).name.lower()
        if base in ("labelmap.txt", "label_colors.txt", "label_map.txt"):
            for line in _text(source, name).splitlines():
                if match := re.match(r"\s*([^:#]+?)\s*:\s*(\d{1,9})\s*,\s*(\d{1,9})\s*,\s*(\d{1,9})", line):
                    found[_triple(match.groups()[1:])] = match.group(1)
                elif match := re.match(r"\s*(\d{1,9})\s+(\d{1,9})\s+(\d{1,9})\s+(\S.*?)\s*$", line):
                    found[_triple(match.groups()[:3])] = match.group(4)
        elif base.endswith(".csv"):
            for row in _rows(source, name):
                if len(row) >= 4 and all(NUMBER.fullmatch(cell.strip()) for cell in row[1:4]):
                    found[_triple(row[1:4])] = row[0].strip()
    return found


def class_names(source: Source) -> tuple[str, ...]:
    """Names of the values 0, 1, 2 … from classes.txt (one a line) or _classes.csv (value, name)."""
    for name in source.names:
        base = PurePosixPath(name).name.lower()
        if base in ("classes.txt", "labels.txt", "class_names.txt", "obj.names"):
            return tuple(line.strip() for line in _text(source, name).splitlines() if line.strip())
        if base == "_classes.csv":
            rows = [row for row in _rows(source, name) if len(row) >= 2]
            values = {int(row[0]): row[1].strip() for row in rows if NUMBER.fullmatch(row[0].strip())}
            if values and sorted(values) == list(range(len(values))):
                return tuple(values[value] for value in range(len(values)))
    return ()


def listed_parts(source: Source) -> dict[str, str]:
    """Photo stems, without case, and the part that a list of names such as train.txt, or a split.json
    with such lists, puts them in."""
    found: dict[str, str] = {}
    for name in source.names:
        path = PurePosixPath(name)
        if path.name.lower() in ("split.json", "splits.json"):
            found |= _json_parts(json_object(source, name))
        elif path.name == DATASET_FILE:
            found |= _json_parts(json_object(source, name).get("split"))
        part = {"train": "train", "val": "validation", "valid": "validation", "test": "test"}.get(
            path.stem.lower()
        )
        if part and path.suffix.lower() == ".txt" and source.size(name) < 50_000_000:
            for line in _text(source, name).splitlines():
                if line.strip():
                    found[PurePosixPath(line.split()[0]).stem.casefold()] = part
    return found


def own_description(source: Source) -> dict[str, Any]:
    """What this project wrote into dataset.json, where the source is one of its own data sets."""
    own = [name for name in source.names if PurePosixPath(name).name == DATASET_FILE]
    return json_object(source, own[0]) if len(own) == 1 else {}


def json_object(source: Source, name: str) -> dict[str, Any]:
    """The object in a JSON file; {} where it holds none."""
    try:
        content = json.loads(source.read(name))
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _json_parts(content: Any) -> dict[str, str]:
    lists = content.items() if isinstance(content, dict) else ()
    return {
        PurePosixPath(str(photo)).stem.casefold(): PARTS[part.lower()]
        for part, photos in lists
        if part.lower() in PARTS and isinstance(photos, list)
        for photo in photos
    }


def _rows(source: Source, name: str) -> Iterator[list[str]]:
    """The rows of a CSV, up to where it stops being one."""
    with contextlib.suppress(csv.Error):
        yield from csv.reader(io.StringIO(_text(source, name), newline=""))


def _text(source: Source, name: str) -> str:
    return source.read(name).decode("utf-8", errors="replace")


def _triple(cells: Sequence[str]) -> Colour:
    red, green, blue = (min(255, int(cell.strip())) for cell in cells)
    return red, green, blue
