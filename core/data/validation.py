"""What is in a data set, image by image, and what is wrong with which file."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core import workspace
from core.data.dataset import DataFolder
from core.data.masks import mask_values, same_shape
from core.data.pairing import Pair
from core.data.photos import photo_size, read_photo
from core.errors import UserError

MANIFEST = "manifest.parquet"
DECODE_SIDE = 64  # enough to notice a damaged file without the cost of its pixels


@dataclass(frozen=True, slots=True)
class Row:
    """One pair. `problem` is why it is left out, `note` what was mended; sizes in pixels."""

    name: str
    part: str
    height: int = 0
    width: int = 0
    mask_height: int = 0
    mask_width: int = 0
    foreground: float = 0.0
    problem: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """`table` has a line per file with the fields of Row, sorted by name."""

    table: pd.DataFrame

    @property
    def usable(self) -> pd.DataFrame:
        return self.table[self.table["problem"] == ""]

    @property
    def problems(self) -> pd.DataFrame:
        return self.table[self.table["problem"] != ""]

    @property
    def notes(self) -> pd.DataFrame:
        return self.table[(self.table["note"] != "") & (self.table["problem"] == "")]

    def summary(self) -> dict[str, Any]:
        """Numbers for the command line and the top of the page."""
        usable = self.usable
        return {
            "pairs": len(usable),
            "train": int((usable["part"] == "train").sum()),
            "validation": int((usable["part"] == "validation").sum()),
            "left_out": len(self.problems),
            "mended": len(self.notes),
            "foreground": float(usable["foreground"].mean()) if len(usable) else 0.0,
            "problems": dict(zip(self.problems["name"], self.problems["problem"], strict=True)),
        }


def check(data: DataFolder) -> Iterator[int | Report]:
    """Read every pair. Yields how many are done, then the Report. A report of unchanged files is
    found again instead of made again."""
    path = workspace.cache() / "manifests" / f"{_fingerprint(data)}.parquet"
    if path.is_file():
        try:
            yield Report(pd.read_parquet(path))
            return
        except (OSError, ValueError):
            path.unlink(missing_ok=True)
    train = set(data.split.train)
    rows: list[Row] = []
    with ThreadPoolExecutor() as pool:
        parts = ["train" if pair.name in train else "validation" for pair in data.pairs]
        for row in pool.map(lambda pair, part: check_pair(pair, part, data), data.pairs, parts):
            rows.append(row)
            if len(rows) % 16 == 0:
                yield len(rows)
    rows += [Row(p.name, "", problem=p.sentence) for p in data.problems]
    table = pd.DataFrame([asdict(row) for row in sorted(rows, key=lambda row: row.name)])
    path.parent.mkdir(exist_ok=True)
    table.to_parquet(path)
    yield Report(table)


def arranged(table: pd.DataFrame, part: str, order: str) -> pd.DataFrame:
    """The rows of "All", "Training" or "Validation", by "Name", "Least foreground" or "Most foreground"."""
    if part != "All":
        table = table[table["part"] == {"Training": "train", "Validation": "validation"}[part]]
    if order == "Name":
        return table.sort_values("name")
    return table.sort_values("foreground", ascending=order == "Least foreground")


def check_pair(pair: Pair, part: str, data: DataFolder) -> Row:
    """One line of the report. Never raises for what is in the files."""
    try:
        height, width = photo_size(pair.image)
        read_photo(pair.image, max_side=DECODE_SIDE)
        values = mask_values(pair.mask, pair.image)
    except UserError as error:
        return Row(pair.name, part, problem=str(error))
    inside = data.rule.foreground(values)
    row = Row(
        pair.name,
        part,
        height,
        width,
        values.shape[0],
        values.shape[1],
        float(np.mean(inside, dtype=np.float64)),
    )
    if not same_shape(values.shape, (height, width)):
        sizes = f"{width}x{height} and {values.shape[1]}x{values.shape[0]}"
        return _with(
            row, problem=f"{pair.name} and its mask differ in shape ({sizes}): export the mask again."
        )
    return _with(row, note="; ".join(_notes(row)))


def _notes(row: Row) -> Iterator[str]:
    if (row.height, row.width) != (row.mask_height, row.mask_width):
        yield f"mask is {row.mask_width}x{row.mask_height}, photo {row.width}x{row.height}: mask resized"
    if row.foreground == 0:
        yield "mask is empty"
    if row.foreground == 1:
        yield "mask covers everything"


def _with(row: Row, **changes: str) -> Row:
    return Row(**{**asdict(row), **changes})


def _fingerprint(data: DataFolder) -> str:
    digest = hashlib.sha256(repr((data.rule.to_dict(), data.split, data.problems)).encode())
    for pair in data.pairs:
        for path in pair.files:
            digest.update(f"{path}\0{_stamp(path)}\n".encode())
    return digest.hexdigest()[:32]


def _stamp(path: Path) -> str:
    try:
        stat = path.stat()
        return f"{stat.st_size} {stat.st_mtime_ns}"
    except OSError:
        return "gone"
