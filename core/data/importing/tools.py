"""The annotation tools whose files are read, and the plans for a source that holds such files."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any
from xml.etree import ElementTree

from core.data.importing.annotations import Found, Tool, annotated_plan
from core.data.importing.coco import COCO
from core.data.importing.cvat import CVAT
from core.data.importing.label_studio import LABEL_STUDIO
from core.data.importing.labelme import LABELME
from core.data.importing.plan import Plan
from core.data.importing.run_lengths import RUN_COLUMNS, RUN_LENGTHS
from core.data.importing.sources import Source
from core.data.importing.supervisely import SUPERVISELY
from core.data.importing.via import VIA_CSV, VIA_JSON
from core.data.pairing import Problem
from core.errors import UserError

TOOLS: tuple[Tool, ...] = (COCO, CVAT, LABEL_STUDIO, LABELME, SUPERVISELY, VIA_JSON, VIA_CSV, *RUN_LENGTHS)
MAX_CELL = 100_000_000  # characters: the module's own limit is less than the run lengths of a large photo
csv.field_size_limit(MAX_CELL)
TELLING = {"region_shape_attributes", *RUN_COLUMNS}  # columns that only a tool's CSV has


def annotation_plans(source: Source) -> list[Plan]:
    """A plan for every tool with outlines in its files; other tools' files are ignored.

    Raises UserError where there are such files and none that can be used.
    """
    found: dict[str, tuple[Tool, Found]] = {}
    damaged: list[Problem] = []
    for name in source.names:
        suffix = PurePosixPath(name).suffix.lower()
        if suffix not in PARSERS:
            continue
        try:
            content = PARSERS[suffix](source, name)
        except UserError as error:
            damaged.append(Problem(name, str(error)))
            continue
        for tool in TOOLS:
            if tool.suffix == suffix and tool.owns(content):
                found.setdefault(tool.layout or tool.name, (tool, Found()))[1].take(tool, name, content)
    plans, refusals = [], []
    for tool, files in found.values():
        files.problems += damaged
        try:
            plans.append(annotated_plan(source, tool, files))
        except UserError as error:
            refusals.append(str(error))
    refusals += [problem.sentence for problem in damaged]
    if not plans and refusals:
        raise UserError(refusals[0])
    return plans


def _json(source: Source, name: str) -> Any:
    try:
        return json.loads(source.read(name))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{name} in {source.label} is not readable JSON ({error}): replace it.") from error


class _WithoutDefinitions(ElementTree.TreeBuilder):
    """XML without definitions of its own, which may stand for far more text than the file holds."""

    def doctype(self, *args: Any) -> None:
        raise ValueError("it defines entities")


def _xml(source: Source, name: str) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(source.read(name), ElementTree.XMLParser(target=_WithoutDefinitions()))
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise UserError(f"{name} in {source.label} is not readable XML ({error}): replace it.") from error


def _csv(source: Source, name: str) -> list[list[str]]:
    text = source.read(name).decode("utf-8-sig", errors="replace")
    try:
        rows = csv.reader(io.StringIO(text, newline=""))
        header = next(rows, [])
        # A table of something else is not worth its memory.
        return [header, *rows] if TELLING & {cell.strip().lower() for cell in header} else []
    except csv.Error as error:
        raise UserError(f"{name} in {source.label} is not readable CSV ({error}): replace it.") from error


PARSERS: dict[str, Callable[[Source, str], Any]] = {".csv": _csv, ".json": _json, ".xml": _xml}
