"""What lies beside the pictures and says more about them: names of classes, colours and splits."""

import contextlib
import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from core.data.dataset import DATASET_FILE
from core.data.importing.colours import Colour
from core.data.importing.names import SPLITS, common_folder, splits_by_folder
from core.data.importing.plan import Item
from core.data.importing.references import PhotoIndex
from core.data.importing.sources import Source

MAX_LIST_BYTES = 50_000_000
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


def with_listed_splits(source: Source, items: Sequence[Item]) -> list[Item]:
    """The same items, those without a split in that which a list of names such as train.txt, or a
    split.json with such lists, puts them in. One split for everything is no split: then there is none."""
    lists = list(_lists(source))
    if lists:
        names = [item.image for item in items]
        index = PhotoIndex(names, splits_by_folder(names, common_folder(names)), by_stem=True)
        found: dict[str, str] = {}
        for file, split, references in lists:
            for photo in index.resolve(
                references, str(PurePosixPath(file).with_name(f"{split}.txt"))
            ).photos.values():
                found[photo] = split
        items = [item if item.split else replace(item, split=found.get(item.image, "")) for item in items]
    if len({item.split for item in items}) == 1:
        return [replace(item, split="") for item in items]
    return list(items)


def _lists(source: Source) -> Iterator[tuple[str, str, list[str]]]:
    """Files that list photos: their name, the split that they list and what they call the photos."""
    for name in source.names:
        path = PurePosixPath(name)
        if path.name.lower() in ("split.json", "splits.json"):
            yield from ((name, split, names) for split, names in _json_splits(json_object(source, name)))
        elif path.name == DATASET_FILE:
            listed = json_object(source, name).get("split")
            yield from ((name, split, names) for split, names in _json_splits(listed))
        split = {"train": "train", "val": "validation", "valid": "validation", "test": "test"}.get(
            path.stem.lower(), ""
        )
        if split and path.suffix.lower() == ".txt" and source.size(name) < MAX_LIST_BYTES:
            lines = [line.strip() for line in _text(source, name).splitlines() if line.strip()]
            # A line is a name, which may have spaces in it, or a name and more after a space.
            yield name, split, [entry for line in lines for entry in (line, line.split()[0])]


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


def _json_splits(content: Any) -> Iterator[tuple[str, list[str]]]:
    for split, photos in content.items() if isinstance(content, dict) else ():
        if split.lower() in SPLITS and isinstance(photos, list):
            yield SPLITS[split.lower()], list(map(str, photos))


def _rows(source: Source, name: str) -> Iterator[list[str]]:
    """The rows of a CSV, up to where it stops being one."""
    with contextlib.suppress(csv.Error):
        yield from csv.reader(io.StringIO(_text(source, name), newline=""))


def _text(source: Source, name: str) -> str:
    return source.read(name).decode("utf-8", errors="replace")


def _triple(cells: Sequence[str]) -> Colour:
    red, green, blue = (min(255, int(cell.strip())) for cell in cells)
    return red, green, blue
