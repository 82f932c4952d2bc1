"""YOLO's text files: a line `class x y x y …` for each outline, in shares of the photo's sides.

Source of the form: https://docs.ultralytics.com/datasets/segment/
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from core.data.importing.matching import match
from core.data.importing.names import Picture, common_folder, is_picture, read_name, splits_by_folder
from core.data.importing.outlines import Drawn, drawn_plan
from core.data.importing.plan import Plan
from core.data.importing.shapes import OVERSHOOT, Outline, Polygons, Shares
from core.data.importing.sources import Source
from core.data.pairing import Problem
from core.errors import UserError

LAYOUT = "YOLO outlines"
MAX_YAML_BYTES = 1_000_000
MAX_TEXT_BYTES = 20_000_000
MAX_CLASS = 10_000
NOT_LABELS = {"classes", "train", "val", "valid", "validation", "test", "labels", "readme", "requirements"}


@dataclass(slots=True)
class _Labels:
    """One text file. `rings` are classes with their points, x, y, x, y …; `wrong` is the first line that
    is neither an outline nor a box."""

    rings: list[tuple[int, NDArray[np.float64]]] = field(default_factory=list)
    boxes: int = 0
    wrong: str = ""

    @property
    def is_in_pixels(self) -> bool:
        return any((ring > 2).any() for _, ring in self.rings)

    @property
    def is_in_shares(self) -> bool:
        return all(((r >= -OVERSHOOT) & (r <= 1 + OVERSHOOT)).all() for _, r in self.rings)


def yolo_plans(source: Source) -> list[Plan]:
    """A plan for text files of outlines, if there are any. A photo without one is background where
    others in its folder have one, as YOLO has it."""
    photos, texts = _pictures_and_texts(source)
    matches = match(photos, texts)
    problems = list(matches.unclear)
    found: dict[str, _Labels] = {}
    for photo, own in matches.masks.items():
        found[photo] = _labels(source, own[0].name)
        problems += [
            Problem(
                other.name, f"{photo} has several text files: {own[0].name} is taken, {other.name} is not."
            )
            for other in own[1:]
        ]
    if not any(labels.rings for labels in found.values()):
        boxes = sum(labels.boxes for labels in found.values())
        if boxes:
            raise UserError(
                f"{source.label} holds {boxes:,} boxes in YOLO's form and no outlines: training a mask needs "
                "outlines, or masks painted on the Data page."
            )
        return []
    problems += [
        Problem(text.name, f"{text.name} has outlines or boxes and no photo of the same name.")
        for text in matches.alone
        if _holds_labels(source, text.name)
    ]
    pixels = sum(labels.is_in_pixels for labels in found.values()) > sum(
        bool(labels.rings) and not labels.is_in_pixels for labels in found.values()
    )
    outlines: dict[str, list[Outline]] = {}
    for photo, labels in found.items():
        why = _why_not(matches.masks[photo][0].name, labels, pixels)
        if why:
            problems.append(Problem(photo, why))
        else:
            outlines[photo] = [_outline(category, ring, pixels) for category, ring in labels.rings]
    problems += _without_text(photos, found, outlines, {p.name for p in matches.unclear}, texts)
    return [_plan(source, photos, outlines, found, problems, pixels)]


def _plan(
    source: Source, photos: list[Picture], outlines: dict[str, list[Outline]], found: dict[str, _Labels],
    problems: list[Problem], pixels: bool,
) -> Plan:  # fmt: skip
    highest = max((o.category for each in outlines.values() for o in each), default=0)
    splits = {photo.name: photo.split for photo in photos}
    boxes = sum(labels.boxes for labels in found.values())
    more = f" {boxes:,} lines are boxes without an outline and are left out." if boxes else ""
    if pixels:
        more += " Coordinates are read as pixels: they are larger than 1, which YOLO's form does not have."
    empty = sum(not drawn for drawn in outlines.values())
    if empty:
        more += f" {empty:,} photos have no outline and are background."
    labels = Drawn(_names(source, highest + 1), outlines, {})
    return drawn_plan(LAYOUT, labels, splits, problems, source, more)


def _pictures_and_texts(source: Source) -> tuple[list[Picture], list[Picture]]:
    """Photos and text files, with what their paths say. images/ and labels/ tell nothing apart."""
    texts = [
        name
        for name in source.names
        if name.lower().endswith(".txt") and name.rsplit("/", 1)[-1][:-4].lower() not in NOT_LABELS
    ]
    if not texts:
        return [], []
    pictures = [name for name in source.names if is_picture(name)]
    below = common_folder([*pictures, *texts])
    splits = splits_by_folder([*pictures, *texts], below)
    photos = [read_name(name, below, splits) for name in pictures]
    # Endings such as _mask belong to pictures: a text file has its photo's very name.
    return (
        [replace(p, as_photo=p.whole) for p in photos if p.role != "mask"] or photos,
        [replace(p, as_mask=p.whole) for p in (read_name(name, below, splits) for name in texts)],
    )


def _why_not(text: str, labels: _Labels, pixels: bool) -> str:
    """Why a photo cannot have these labels; "" where it can."""
    if labels.wrong:
        return f"{text} holds a line that is not an outline: {labels.wrong[:60]}"
    if not pixels and not labels.is_in_shares:
        return (
            f"{text} has coordinates beyond 0 to 1, unlike the other files: write it in shares of the photo."
        )
    if pixels and labels.rings and not labels.is_in_pixels:
        return f"{text} has coordinates from 0 to 1, while the other files are in pixels: write all alike."
    if labels.boxes and not labels.rings:
        return f"{text} has boxes and no outline: training a mask needs outlines."
    return ""


def _outline(category: int, ring: NDArray[np.float64], pixels: bool) -> Outline:
    return Outline(category, Polygons([ring.tolist()]) if pixels else Shares(np.clip(ring, 0, 1)))


def _without_text(
    photos: list[Picture], found: Mapping[str, _Labels], outlines: dict[str, list[Outline]],
    unclear: set[str], texts: list[Picture],
) -> list[Problem]:  # fmt: skip
    """Photos without a text file become background in `outlines`, or are named: where a text file
    fits several photos, and where their whole folder has none."""
    places = {photo.place for photo in photos if photo.name in found}
    contested = {(t.place, t.whole.casefold()) for t in texts if t.name in unclear}
    problems = []
    for photo in photos:
        if photo.name in found:
            continue
        if (photo.place, photo.whole.casefold()) in contested:
            problems.append(Problem(photo.name, f"{photo.name} shares its text file with another photo."))
        elif photo.place in places:
            outlines[photo.name] = []
        else:
            sentence = (
                f"{photo.name} has no text file, like all photos of its folder: it may not be labelled."
            )
            problems.append(Problem(photo.name, sentence))
    return problems


def _labels(source: Source, name: str) -> _Labels:
    found = _Labels()
    if source.size(name) > MAX_TEXT_BYTES:
        found.wrong = "the file is too large"
        return found
    for line in source.read(name).decode("utf-8-sig", "replace").splitlines():
        cells = line.split()
        if not cells:
            continue
        numbers = _numbers(cells)
        if numbers is None:
            found.wrong = found.wrong or " ".join(cells)
        elif len(numbers) == 4:
            found.boxes += 1
        else:
            found.rings.append((int(cells[0]), numbers))
    return found


def _holds_labels(source: Source, name: str) -> bool:
    labels = _labels(source, name)
    return not labels.wrong and bool(labels.rings or labels.boxes)


def _numbers(cells: list[str]) -> NDArray[np.float64] | None:
    """The coordinates of a line: 4 of a box, or 6 and more of an outline; None where it is neither."""
    try:
        category, numbers = int(cells[0]), np.array(cells[1:], np.float64)
    except (ValueError, OverflowError):
        return None
    whole = len(numbers) == 4 or (len(numbers) >= 6 and len(numbers) % 2 == 0)
    return numbers if whole and 0 <= category <= MAX_CLASS and np.isfinite(numbers).all() else None


def _names(source: Source, count: int) -> tuple[str, ...]:
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
