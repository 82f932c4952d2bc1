"""COCO's json: polygons and run lengths for photos that it names.

Source of the form: https://cocodataset.org/#format-data
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from core.data.importing.names import common_folder, is_picture, part_in, parts_by_folder
from core.data.importing.outlines import Drawn, Outline, drawn_plan
from core.data.importing.plan import Plan
from core.data.importing.references import PhotoIndex, one_claim_each
from core.data.importing.sources import Source
from core.data.pairing import Problem
from core.errors import UserError


@dataclass(slots=True)
class _Read:
    """One json, by the names that it gives its photos. `boxed` are those with a box without an outline;
    `orphans` counts annotations of images or categories that it does not list."""

    outlines: dict[str, list[Outline]] = field(default_factory=dict)
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    boxed: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    orphans: int = 0


def coco_plans(source: Source) -> list[Plan]:
    """A plan for COCO's json files, if there are any with outlines. A json that cannot be read is named."""
    categories: dict[str, int] = {}
    problems: list[Problem] = []
    read: dict[str, _Read] = {}
    for name in source.names:
        if not name.lower().endswith(".json"):
            continue
        try:
            content = _coco(source, name)
        except UserError as error:
            problems.append(Problem(name, str(error)))
            continue
        if content is not None:
            read[name] = _read(content, categories)
    if not any(outlines for one in read.values() for outlines in one.outlines.values()):
        if problems:
            raise UserError(problems[0].sentence)
        return []
    return [_plan(source, read, tuple(categories), problems)]


def _plan(source: Source, read: dict[str, _Read], names: tuple[str, ...], problems: list[Problem]) -> Plan:
    photos = [name for name in source.names if is_picture(name)]
    folders = parts_by_folder(photos, common_folder(photos))
    index = PhotoIndex(photos, folders)
    resolved = {file: index.resolve(one.outlines, file) for file, one in read.items()}
    meant, lost = one_claim_each(resolved)
    outlines: dict[str, list[Outline]] = {}
    sizes: dict[str, tuple[int, int]] = {}
    parts: dict[str, str] = {}
    boxes: dict[str, int] = defaultdict(int)
    for file, one in read.items():
        if one.orphans:
            sentence = (
                f"{one.orphans:,} annotations in {file} are of images or categories that it does not list."
            )
            problems.append(Problem(file, sentence))
        guessed, part_of_file = set(lost[file]), part_in(PurePosixPath(file).stem)
        for reference, drawn in one.outlines.items():
            photo = meant[file].get(reference)
            if photo is None:
                unclear = resolved[file].unclear.get(reference, [])
                problems.append(Problem(reference, _why_not(reference, file, unclear, reference in guessed)))
                continue
            outlines.setdefault(photo, []).extend(drawn)
            boxes[photo] += one.boxed.get(reference, 0)
            parts[photo] = parts.get(photo) or part_of_file or index.part_of(photo)
            if reference in one.sizes:
                sizes[photo] = one.sizes[reference]
    for photo, count in boxes.items():
        if count and not outlines[photo]:
            del outlines[photo]
            problems.append(
                Problem(photo, f"{photo} has boxes and no outline: training a mask needs outlines.")
            )
    problems += [
        Problem(photo, f"{photo} is named in none of the annotation files.")
        for photo in photos
        if photo not in outlines and not boxes.get(photo)
    ]
    total = sum(boxes.values())
    more = f" {total:,} annotations are boxes without an outline and are left out." if total else ""
    return drawn_plan("COCO json", Drawn(names, outlines, sizes), parts, problems, source, more)


def _why_not(reference: str, file: str, unclear: list[str], is_lost: bool) -> str:
    if unclear:
        return f"{reference} in {file} may be any of {', '.join(unclear[:3])}: name it with its folder."
    if is_lost:
        return f"{reference} in {file} is not the only name that fits its photo: name it with its folder."
    return f"{reference} is named in {file}, but there is no such photo."


def _read(content: dict[str, Any], categories: dict[str, int]) -> _Read:
    """One json in a form that does not hold on to it. `categories` grows by the names that are new."""
    found, photos = _Read(), {}
    for image in content["images"]:
        name = str(image.get("file_name") or f"the image with id {image.get('id')}")
        photos[image.get("id")] = name
        found.outlines.setdefault(name, [])
        if image.get("height") and image.get("width"):
            found.sizes[name] = int(image["height"]), int(image["width"])
    index = {c["id"]: categories.setdefault(str(c.get("name", c["id"])), len(categories))
             for c in content["categories"] if "id" in c}  # fmt: skip
    for entry in content["annotations"]:
        photo, category = photos.get(entry.get("image_id")), index.get(entry.get("category_id"))
        if photo is None or category is None:
            found.orphans += 1
        elif entry.get("segmentation"):
            found.outlines[photo].append(Outline(category, entry["segmentation"]))
        else:
            found.boxed[photo] += 1
    return found


def _coco(source: Source, name: str) -> dict[str, Any] | None:
    """The json, if it is one of COCO's. Raises UserError where it is no json."""
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
