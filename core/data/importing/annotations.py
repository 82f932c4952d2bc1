"""Layouts in which outlines are numbers: COCO json (polygons and run lengths), YOLO text.

Outlines are turned into pixels by pycocotools, the reference for both of COCO's forms.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from core.data.classes import ClassRule, Rule
from core.data.importing.names import is_picture, part_of
from core.data.importing.plan import Item, MaskFile, Plan
from core.data.importing.sources import Source
from core.data.masks import MaskRule
from core.data.pairing import Problem
from core.data.photos import MAX_PIXELS
from core.errors import UserError
from core.imaging import rendering
from core.task import Task

BACKGROUND = "background"
MAX_YAML_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Outline:
    """`category` is an index of the classes; `shape` a COCO segmentation, polygons in pixels or run
    lengths, or YOLO's numbers between 0 and 1."""

    category: int
    shape: Any


@dataclass(frozen=True, slots=True)
class Drawn:
    """Outlines by photo name. `sizes` are (height, width) that they were drawn for; YOLO has none."""

    names: tuple[str, ...]
    outlines: dict[str, list[Outline]]
    sizes: dict[str, tuple[int, int]]
    chosen: tuple[str, ...] = ()
    as_one: bool = False

    @property
    def classes(self) -> tuple[str, ...]:
        return self.names

    @property
    def wanted(self) -> tuple[str, ...]:
        return self.chosen or self.names

    def rule(self) -> Rule | None:
        if self.as_one:
            return MaskRule(128, meaning=f"{', '.join(self.wanted)}: foreground, 255")
        names = (BACKGROUND, *self.wanted)
        return ClassRule(Task("multiclass", names, tuple(range(len(names)))))

    def choosing(self, names: tuple[str, ...], as_one: bool) -> "Drawn":
        return replace(self, chosen=tuple(n for n in self.names if n in names), as_one=as_one)

    def files(self, source: Source, item: Item, size: tuple[int, int]) -> list[MaskFile]:
        height, width = self.sizes.get(item.image, size)
        if height * width > MAX_PIXELS or height < 1 or width < 1:
            raise UserError(f"The annotations give {item.image} a size of {width}x{height}: correct it.")
        labels = np.zeros((height, width), np.uint8)
        drawn = []
        for outline in self.outlines.get(item.image, ()):
            if self.names[outline.category] in self.wanted:
                inside = self._pixels(outline, height, width, item.image)
                drawn.append((int(inside.sum()), outline.category, inside))
        # Small things lie on large ones, so they are drawn last.
        for _, category, inside in sorted(drawn, key=lambda entry: -entry[0]):
            value = 255 if self.as_one else 1 + self.wanted.index(self.names[category])
            labels[inside] = value
        return [(f"{item.name}.png", rendering.encode(labels))]

    def _pixels(self, outline: Outline, height: int, width: int, name: str) -> NDArray[np.bool_]:
        from pycocotools import mask as coco_masks

        shape = outline.shape
        try:
            if isinstance(shape, np.ndarray):
                shape = [(shape * np.tile([width, height], len(shape) // 2)).tolist()]
            if isinstance(shape, list):
                polygons = [[float(v) for v in p] for p in shape if len(p) >= 6 and len(p) % 2 == 0]
                if not polygons:
                    return np.zeros((height, width), bool)
                code = coco_masks.merge(coco_masks.frPyObjects(polygons, height, width))
            else:
                if list(map(int, shape["size"])) != [height, width]:
                    raise ValueError("sizes differ")
                runs = shape["counts"]
                if isinstance(runs, list):
                    if sum(runs) != height * width or min(runs, default=0) < 0:
                        raise ValueError("run lengths do not fill the picture")
                    code = coco_masks.frPyObjects({"size": [height, width], "counts": runs}, height, width)
                else:
                    text = runs.encode() if isinstance(runs, str) else bytes(runs)
                    code = {"size": [height, width], "counts": _whole_runs(text, height * width)}
            return np.asarray(coco_masks.decode(code), bool)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UserError(
                f"An outline of {name} cannot be read ({error}): correct the annotations."
            ) from error


def coco_plans(source: Source) -> list[Plan]:
    """A plan for COCO's json files, if there are any with outlines."""
    by_base = _by_base(source)
    categories: dict[str, int] = {}
    outlines: dict[str, list[Outline]] = defaultdict(list)
    sizes: dict[str, tuple[int, int]] = {}
    parts: dict[str, str] = {}
    problems: list[Problem] = []
    boxes = 0
    for name in source.names:
        if not name.lower().endswith(".json"):
            continue
        content = _coco(source, name)
        if content is None:
            continue
        photos = {}
        for image in content["images"]:
            found = _file_of(str(image.get("file_name", "")), name, by_base)
            if found is None:
                wanted = str(image.get("file_name"))
                problems.append(Problem(wanted, f"{wanted} is named in {name}, but there is no such photo."))
                continue
            photos[image.get("id")] = found
            outlines.setdefault(found, [])
            parts[found] = _part(name) or _part(found)
            if image.get("height") and image.get("width"):
                sizes[found] = int(image["height"]), int(image["width"])
        index = {c["id"]: categories.setdefault(str(c.get("name", c["id"])), len(categories))
                 for c in content["categories"] if "id" in c}  # fmt: skip
        for entry in content["annotations"]:
            photo, category = photos.get(entry.get("image_id")), index.get(entry.get("category_id"))
            if photo is None or category is None:
                continue
            if not entry.get("segmentation"):
                boxes += 1
                continue
            outlines[photo].append(Outline(category, entry["segmentation"]))
    count = sum(map(len, outlines.values()))
    if not count:
        return []
    used = sorted({o.category for each in outlines.values() for o in each})
    names = tuple(categories)
    told = f"{len(outlines):,} photos with {count:,} outlines of {len(used)} kinds."
    if boxes:
        told += f" {boxes:,} annotations are boxes without an outline and are left out."
    labels = Drawn(names, dict(outlines), sizes)
    return [_drawn_plan("COCO json", told, labels, used, parts, problems, source)]


def yolo_plans(source: Source) -> list[Plan]:
    """A plan for text files with `class x y x y …` beside photos, if there are any with outlines."""
    by_stem = {PurePosixPath(n).stem.casefold(): n for n in source.names if is_picture(n)}
    outlines: dict[str, list[Outline]] = {}
    problems: list[Problem] = []
    boxes = 0
    for name in source.names:
        path = PurePosixPath(name)
        photo = by_stem.get(path.stem.casefold())
        if path.suffix.lower() != ".txt" or photo is None:
            continue
        lines = [
            line.split() for line in source.read(name).decode("utf-8", "replace").splitlines() if line.strip()
        ]
        found = []
        for cells in lines:
            if len(cells) == 5:
                boxes += 1
            elif (outline := _yolo_outline(cells)) is not None:
                found.append(outline)
            else:
                problems.append(
                    Problem(name, f"{name} holds a line that is no outline: {' '.join(cells)[:60]}")
                )
                break
        outlines[photo] = found
    count = sum(map(len, outlines.values()))
    if not count:
        if boxes:
            raise UserError(
                f"{source.label} holds {boxes:,} boxes in YOLO's form and no outlines: training a mask needs "
                "outlines, or masks painted on the Data page."
            )
        return []
    used = sorted({o.category for each in outlines.values() for o in each})
    names = _yolo_names(source, used[-1] + 1)
    told = f"{len(outlines):,} photos with {count:,} outlines of {len(used)} kinds."
    if boxes:
        told += f" {boxes:,} lines are boxes without an outline and are left out."
    parts = {photo: _part(photo) for photo in outlines}
    return [_drawn_plan("YOLO outlines", told, Drawn(names, outlines, {}), used, parts, problems, source)]


def _drawn_plan(
    layout: str, told: str, labels: Drawn, used: list[int], parts: dict[str, str],
    problems: list[Problem], source: Source,
) -> Plan:  # fmt: skip
    items = tuple(
        Item(_flat(photo, labels.outlines), photo, (), parts.get(photo, ""))
        for photo in sorted(labels.outlines)
    )
    chosen = tuple(labels.names[i] for i in used)
    return Plan(layout, told, items, labels.choosing(chosen, len(chosen) == 1), (*source.problems, *problems))


def _flat(name: str, every: Iterable[str]) -> str:
    """The stem alone, unless another photo has it too."""
    path = PurePosixPath(name)
    same = (
        sum(PurePosixPath(n).stem.casefold() == path.stem.casefold() for n in every) if _DEEP in name else 1
    )
    return path.stem if same == 1 else "-".join([*path.parts[:-1][-2:], path.stem])


_DEEP = "/"


def _coco(source: Source, name: str) -> dict[str, Any] | None:
    """The json, if it is one of COCO's."""
    try:
        content = json.loads(source.read(name))
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"{name} in {source.label} is no JSON that can be read ({error}): replace it."
        ) from error
    if not isinstance(content, dict):
        return None
    lists = [content.get(key) for key in ("images", "annotations", "categories")]
    if not all(isinstance(part, list) and all(isinstance(e, dict) for e in part) for part in lists):
        return None
    return content


def _by_base(source: Source) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for name in source.names:
        if is_picture(name):
            found[PurePosixPath(name).name.casefold()].append(name)
    return found


def _file_of(file_name: str, json_name: str, by_base: dict[str, list[str]]) -> str | None:
    """The photo that an annotation file means: of several of that name, the one that shares most of
    the path, and then the annotation's own folder or part."""
    base = PurePosixPath(file_name.replace("\\", "/"))
    candidates = by_base.get(base.name.casefold(), [])
    if len(candidates) < 2:
        return candidates[0] if candidates else None

    def nearness(name: str) -> tuple[bool, bool, bool]:
        path = PurePosixPath(name)
        return (
            name.casefold().endswith(str(base).casefold()) and len(base.parts) > 1,
            path.parent == PurePosixPath(json_name).parent,
            bool(_part(name)) and _part(name) == _part(json_name),
        )

    return max(candidates, key=nearness)


def _part(name: str) -> str:
    path = PurePosixPath(name)
    for text in (
        path.stem.lower() if name.endswith(".json") else "",
        *map(str.lower, reversed(path.parts[:-1])),
    ):
        # instances_train2017.json
        if found := part_of("".join(c for c in text if not c.isdigit())):
            return found
    return ""


def _yolo_outline(cells: list[str]) -> Outline | None:
    try:
        category, numbers = int(cells[0]), np.array(cells[1:], np.float64)
    except (ValueError, OverflowError):
        return None
    if (
        category < 0
        or category > 10_000
        or len(numbers) < 6
        or len(numbers) % 2
        or not np.isfinite(numbers).all()
    ):
        return None
    return Outline(category, np.clip(numbers, 0, 1))


def _yolo_names(source: Source, count: int) -> tuple[str, ...]:
    """From data.yaml (a list or a mapping), else classes.txt, else numbers."""
    names: dict[int, str] = {}
    for name in source.names:
        base = PurePosixPath(name).name.lower()
        if base.endswith((".yaml", ".yml")):
            given = _yaml_names(source.read(name))
            if isinstance(given, list):
                names = dict(enumerate(map(str, given)))
            elif isinstance(given, dict):
                names = {int(k): str(v) for k, v in given.items() if re.fullmatch(r"\d{1,5}", str(k))}
        elif base in ("classes.txt", "obj.names"):
            lines = source.read(name).decode("utf-8", "replace").splitlines()
            names = names or dict(enumerate(line.strip() for line in lines if line.strip()))
    return tuple(names.get(i, f"class {i}") for i in range(max(count, len(names))))


class _PlainLoader(yaml.SafeLoader):
    """YAML without references: nine lines of them stand for a billion words."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("references are not followed")
        return super().compose_node(parent, index)


def _yaml_names(content: bytes) -> Any:
    """What stands under `names`, None where there is none."""
    if len(content) > MAX_YAML_BYTES:
        return None
    try:
        held = yaml.load(content, _PlainLoader)
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    return held.get("names") if isinstance(held, dict) else None


def _whole_runs(text: bytes, pixels: int) -> bytes:
    """COCO's compressed run lengths, if they fill the picture exactly: the C code trusts them.

    Source: rleFrString in pycocotools' maskApi.c.
    """
    runs: list[int] = []
    at = 0
    while at < len(text):
        value, shift, more = 0, 0, True
        while more:
            byte = text[at] - 48 if at < len(text) else -1
            if byte < 0 or byte > 63 or shift > 60:
                raise ValueError("damaged run lengths")
            value |= (byte & 31) << shift
            more, at, shift = bool(byte & 32), at + 1, shift + 5
            if not more and byte & 16:
                value |= -1 << shift
        if len(runs) > 2:
            value += runs[-2]
        if value < 0:
            raise ValueError("damaged run lengths")
        runs.append(value)
    if sum(runs) != pixels:
        raise ValueError("run lengths do not fill the picture")
    return text
