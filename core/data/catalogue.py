"""A data set as the gallery needs it: one table, read in a moment however many photos there are.

The table is the check's report. It is found again by the times of the folders, without a look at
every file; `fresh=True` looks at them all.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from core.data import checks, demo, findings
from core.data.checks import Report
from core.data.classes import MaskEncoding, encoding_from_dict
from core.data.dataset import DATASET_FILE, open_data, write_down
from core.data.pairing import Pair, find_root
from core.data.value_range import range_in
from core.errors import UserError
from core.policy.permissions import require
from core.system import workspace
from core.system.workspace import read_json, write_json

ORDERS = {
    "Name": ("name", True),
    "Least foreground": ("foreground", True),
    "Most foreground": ("foreground", False),
    "Darkest": ("brightness", True),
    "Brightest": ("brightness", False),
    "Largest": ("area", False),
}


@dataclass(frozen=True, slots=True)
class Catalogue:
    """`report.table` has a row for every pair and every problem; `layers` are the labels' folders."""

    root: Path
    name: str
    encoding: MaskEncoding
    report: Report
    about: dict[str, Any]

    def pair(self, name: str) -> Pair:
        """The files of one row. Raises UserError when there is none of this name."""
        rows = self.report.table[self.report.table["name"] == name]
        if rows.empty or not rows.iloc[0]["image"]:
            raise UserError(f"{name} is not a pair of this data set.")
        row = rows.iloc[0]
        mask = self.root / str(row["mask"])
        layers = self._layers(mask) if self.encoding.task.kind == "multilabel" else ()
        inverted = name in set(self.about.get("inverted", ()))
        return Pair(name, self.root / str(row["image"]), mask, layers, inverted, range_in(self.about))

    def _layers(self, mask: Path) -> tuple[Path | None, ...]:
        folder = mask.parent.parent
        found = (
            {p.stem: p for p in (folder / label).glob(f"{mask.stem}.*")}
            for label in self.encoding.task.classes
        )
        return tuple(by_stem.get(mask.stem) for by_stem in found)


@dataclass(frozen=True, slots=True)
class View:
    """Which rows to show: split and class may be "" for all, `finding` a code, `text` part of a name."""

    split: str = ""
    finding: str = ""
    class_name: str = ""
    low: float = 0.0
    high: float = 1.0
    text: str = ""
    order: str = "Name"


def open_catalogue(root: Path, fresh: bool = False) -> Iterator[tuple[int, int] | Catalogue]:
    """Open and check a data set. Yields (done, of how many), then the Catalogue.

    Raises UserError if there is no data set, or it has to be checked first and the current person lacks the
    permission `train`; the built-in one may be checked by anybody.
    """
    root = find_root(Path(root))
    pointer = workspace.cache() / "manifests" / f"{_stamp(root)}.json"
    if not fresh and pointer.is_file():
        found = _found_again(root, pointer)
        if found:
            yield found
            return
    if fresh or root != demo.demo_folder():
        require("train")
    data = open_data(root)
    write_down(data)
    pointer = pointer.with_name(f"{_stamp(root)}.json")  # dataset.json may be new
    for progress in checks.check(data):
        if isinstance(progress, Report):
            kept = {"table": checks.report_path(data).name, "about": data.about, "data": str(root.resolve())}
            write_json(pointer, kept)
            yield Catalogue(root, data.name, data.encoding, progress, data.about)
        else:
            yield progress, len(data.pairs)


def rows_of(catalogue: Catalogue, view: View) -> pd.DataFrame:
    """The rows that a view asks for, in its order. Those that cannot be used show only for a finding."""
    table = catalogue.report.table if view.finding else catalogue.report.usable
    if view.finding:
        table = findings.rows_with(table, view.finding)
    if view.split:
        table = table[table["split"] == view.split]
    if view.class_name in catalogue.encoding.task.classes and catalogue.encoding.task.kind != "binary":
        index = catalogue.encoding.task.classes.index(view.class_name)
        table = table[table["classes"].map(lambda shares: len(shares) > index and shares[index] > 0)]
    if (view.low, view.high) != (0.0, 1.0):
        table = table[table["foreground"].between(view.low, view.high)]
    if view.text.strip():
        table = table[table["name"].str.contains(view.text.strip(), case=False, regex=False)]
    column, ascending = ORDERS[view.order]
    if column == "area":
        table = table.assign(area=table["height"] * table["width"])
    return table.sort_values([column, "name"], ascending=[ascending, True], kind="stable")


def page_of(rows: pd.DataFrame, page: int, per_page: int) -> pd.DataFrame:
    """The rows of one page, counted from 1."""
    return rows.iloc[(page - 1) * per_page : page * per_page]


def page_count(rows: Sequence[Any] | pd.DataFrame, per_page: int) -> int:
    return max(1, -(-len(rows) // per_page))


def _found_again(root: Path, pointer: Path) -> Catalogue | None:
    try:
        kept = read_json(pointer)
        about = kept["about"]
        table = checks.read_table(pointer.with_name(kept["table"]))
        return Catalogue(
            root, str(about["name"]), encoding_from_dict(about["mask_rule"]), Report(table), about
        )
    except (OSError, ValueError, KeyError, UserError):
        return None  # made again


def _stamp(root: Path) -> str:
    """Changes when a file comes, goes or is replaced in any of the folders, or dataset.json changes."""
    digest = hashlib.sha256(f"{checks.LAYOUT} {root.resolve()}".encode())
    folders = [root, *_folders_below(root, 3)]
    for path in [*folders, root / DATASET_FILE]:
        try:
            stat = path.stat()
        except OSError:
            continue
        size = stat.st_size if path.name == DATASET_FILE else 0
        digest.update(f"{path}\0{stat.st_mtime_ns}\0{size}\n".encode())
    return digest.hexdigest()[:32]


def _folders_below(root: Path, depth: int) -> list[Path]:
    """Folders down to this depth, images/ and masks/ of splits and labels. Their files are not looked at."""
    found = []
    with os.scandir(root) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                found.append(Path(entry.path))
    return sorted(found) + [p for f in found if depth > 1 for p in _folders_below(f, depth - 1)]
