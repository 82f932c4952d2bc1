"""One pass over a data set: what is in it, image by image, and what is wrong with which file."""

import hashlib
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.data import findings, near_duplicates
from core.data.classes import ClassEncoding, LayersEncoding, MaskEncoding
from core.data.dataset import LAYOUT_PAINTED, DataFolder
from core.data.importing.names import split_of_folder
from core.data.jpeg_damage import is_damaged_jpeg
from core.data.masks import (
    LOSSY_SUFFIXES,
    BinaryEncoding,
    mask_values,
    may_be_turned,
    resize_mask,
    same_shape,
    swapped,
)
from core.data.pairing import Pair, Problem
from core.data.photos import photo_size, read_photo, reading, value_extremes
from core.data.split_record import SPLITS, SplitRecord
from core.data.value_range import Range, is_misread, usual_top, words
from core.errors import UserError
from core.system import workspace
from core.system.file_names import shown
from core.system.formatting import percent
from core.system.parallel import all_cores, in_order
from core.system.workspace import write_atomically
from core.task import IGNORE

LAYOUT = 7  # raised when the columns or findings change
DECODE_SIDE = 64  # enough to notice a damaged file, and to compare photos, without the cost of all pixels
SPECK_SIDE = 256  # masks are searched for specks at this size
SPECK_SHARE = 0.0005  # of the picture's area
MANY_SPECKS = 5
EXCLUDED = "excluded by you"
NAMED = 5  # this many values of a mask are listed in a sentence


@dataclass(slots=True)
class Row:
    """One pair. Sizes in pixels; `image` and `mask` are paths below the data set's folder.

    `lowest` and `highest` are the values of photos of more than 8 bits, 0 and 0 of others.
    `findings` are codes of core.data.findings, with spaces between; `problem` is why the pair cannot
    be used, `note` what to know about it. `classes` are the share of pixels of each class, where
    there are several. `hash` and `look` are what photos are compared by; `twin` is the name of one
    that is nearly the same.
    """

    name: str
    split: str
    image: str = ""
    mask: str = ""
    height: int = 0
    width: int = 0
    mask_height: int = 0
    mask_width: int = 0
    foreground: float = 0.0
    brightness: float = 0.0
    specks: int = 0
    lowest: float = 0.0
    highest: float = 0.0
    classes: tuple[float, ...] = ()
    findings: str = ""
    problem: str = ""
    note: str = ""
    twin: str = ""
    hash: str = ""
    look: bytes = b""


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
            "train": int((usable["split"] == "train").sum()),
            "validation": int((usable["split"] == "validation").sum()),
            "test": int((usable["split"] == "test").sum()),
            "left_out": int((~self.problems["findings"].isin(["unpainted"])).sum()),
            "to_paint": int(self.problems["findings"].isin(["unpainted"]).sum()),
            "mended": int(self.table["findings"].str.split().map(lambda codes: "resized" in codes).sum()),
            "foreground": float(usable["foreground"].mean()) if len(usable) else 0.0,
            "problems": dict(zip(self.problems["name"], self.problems["problem"], strict=True)),
            "findings": findings.counts(self.table),
        }

    def class_balance(self, names: tuple[str, ...]) -> dict[str, float]:
        """The share of all pixels that each class covers, every image counted alike."""
        shares = [c for c in self.usable["classes"] if len(c) == len(names)]
        return dict(zip(names, np.mean(shares, axis=0).tolist(), strict=True)) if shares else {}


def check(data: DataFolder) -> Iterator[int | Report]:
    """Read every pair. Yields how many are done, then the Report. A report of unchanged files is
    found again instead of made again."""
    path = report_path(data)
    if path.is_file():
        try:
            yield Report(read_table(path))
            return
        except (OSError, ValueError):
            path.unlink(missing_ok=True)
    split_of = {name: split for split in SPLITS for name in getattr(data.split, split)}
    rows: list[Row] = []
    with all_cores() as pool:
        work = in_order(pool, lambda pair: check_pair(pair, split_of.get(pair.name, ""), data), data.pairs)
        for row in work:
            rows.append(row)
            if len(rows) % 16 == 0:
                yield len(rows)
    _see_together(rows)
    _see_values(rows, data.value_range)
    _see_moved(rows, data)
    rows += [Row(p.name, "", findings=_code_of(p, data), problem=p.sentence) for p in data.problems]
    rows += [Row(name, "", findings="chosen", problem=EXCLUDED) for name in data.left_out]
    table = pd.DataFrame([asdict(row) for row in sorted(rows, key=lambda row: row.name)])
    path.parent.mkdir(exist_ok=True)
    write_atomically(path, table.to_parquet())
    yield Report(table)


def _code_of(problem: Problem, data: DataFolder) -> str:
    """The finding of a file that is in no pair."""
    if not problem.is_alone:
        return "unread"
    is_painted = (data.about.get("origin") or {}).get("layout") == LAYOUT_PAINTED
    return "unpainted" if is_painted and (data.root / "images" / problem.name).is_file() else "partner"


def check_pair(pair: Pair, split: str, data: DataFolder) -> Row:
    """One line of the report. Never raises for what is in the files."""
    row = Row(pair.name, split, _below(pair.image, data.root), _below(pair.mask, data.root))
    try:
        height, width = photo_size(pair.image)
        photo = read_photo(pair.image, max_side=DECODE_SIDE, value_range=pair.value_range)
        extremes = value_extremes(pair.image)
        masks = [path for path in pair.layers if path] or [pair.mask]
        every = [mask_values(path, pair.image, palette=data.encoding.palette) for path in masks]
        damaged = is_damaged_jpeg(_content(pair.image))
        turned = may_be_turned(masks[0], pair.image, every[0].shape)
    except UserError as error:
        row.problem, row.findings = str(error), "unread"
        return row
    row.height, row.width = height, width
    of_other_size = [values.shape for values in every if values.shape != (height, width)]
    row.mask_height, row.mask_width = of_other_size[0] if of_other_size else (height, width)
    row.lowest, row.highest = extremes or (0.0, 0.0)
    row.brightness = float(photo.mean(dtype=np.float64))
    row.hash, row.look = near_duplicates.perceptual_hash(photo), near_duplicates.small_look(photo)
    for path, values in zip(masks, every, strict=True):
        if not same_shape(values.shape, (height, width)):
            row.mask_height, row.mask_width = values.shape
            which = f"{path.parent.name}/{path.name}" if pair.layers else "its mask"
            sizes = f"{width}x{height} and {values.shape[1]}x{values.shape[0]}"
            row.problem = f"{pair.name} and {which} differ in shape ({sizes}): export the mask again."
            row.findings = "shape"
            return row
    row.classes = _shares(pair, data, every)
    labels = _labels(pair, data, every)
    inside, known = (labels == 1).astype(np.uint8), int(np.count_nonzero(labels != IGNORE))
    row.foreground = cv2.countNonZero(inside) / max(1, known)
    if isinstance(data.encoding, BinaryEncoding):
        row.specks = count_specks(inside)
    found = list(_found(row, pair, every[0], data, known))
    if damaged:
        found.append(("damaged", "photo's compressed data contradict themselves"))
    if turned:
        found.append(("turned", "photo has an EXIF orientation and the mask none: it may be turned"))
    row.findings, row.note = " ".join(code for code, _ in found), "; ".join(text for _, text in found)
    return row


def _content(photo: Path) -> bytes:
    """The bytes of a JPEG, b"" of other files. Raises UserError."""
    if photo.suffix.lower() not in (".jpg", ".jpeg"):
        return b""
    with reading(shown(photo.name)):
        return photo.read_bytes()


def count_specks(inside: NDArray[np.uint8]) -> int:
    """Connected parts of a 0/1 mask (h, w) that are smaller than 0.05 % of it."""
    factor = -(-max(inside.shape) // SPECK_SIDE)
    if factor > 1:  # a pixel stays foreground where any of those that it stands for is
        grown = cv2.dilate(inside, np.ones((factor, factor), np.uint8))
        inside = np.ascontiguousarray(np.asarray(grown, np.uint8)[::factor, ::factor])
    found = cv2.findContours(inside, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    outlines, levels = found[0], found[1]
    if levels is None:
        return 0
    # Pick's theorem: pixels = area + half of those on the outline + 1. Outlines with a parent are holes.
    parents = np.asarray(levels)[0, :, 3]
    sizes = [
        cv2.contourArea(outline) + len(outline) / 2 + 1
        for outline, parent in zip(outlines, parents, strict=True)
        if parent < 0
    ]
    return sum(size < SPECK_SHARE * inside.size for size in sizes)


def read_table(path: Path) -> pd.DataFrame:
    """A report that was kept; the split of a photo was called its part before."""
    return pd.read_parquet(path).rename(columns={"part": "split"})


def report_path(data: DataFolder) -> Path:
    """Where the report of just these files, read in this way, is kept."""
    return workspace.cache() / "manifests" / f"{_fingerprint(data)}.parquet"


def _labels(pair: Pair, data: DataFolder, every: Sequence[NDArray[np.int32]]) -> NDArray[np.uint8]:
    """1 where there is foreground, a known class or any label; 0 where there is not, and IGNORE where it
    is void."""
    if isinstance(data.encoding, LayersEncoding):
        largest = max((values.shape for values in every), key=math.prod)
        inside = [resize_mask(data.encoding.foreground(v), (largest[0], largest[1])) for v in every]
        return np.asarray(np.bitwise_or.reduce(inside), np.uint8)
    if isinstance(data.encoding, ClassEncoding):
        return data.encoding.foreground(every[0])
    labels = data.encoding.labels(every[0])
    return swapped(labels) if pair.inverted else labels


def _found(
    row: Row, pair: Pair, values: NDArray[np.int32], data: DataFolder, known: int
) -> Iterator[tuple[str, str]]:
    if (row.height, row.width) != (row.mask_height, row.mask_width):
        yield (
            "resized",
            f"mask is {row.mask_width}x{row.mask_height}, photo {row.width}x{row.height}: mask resized",
        )
    yield from _covered(row, data, known)
    unknown = _unknown_values(values, data.encoding)
    if unknown:
        which = (
            f"value {unknown[0]}" if len(unknown) == 1 else f"values {', '.join(map(str, unknown[:NAMED]))}"
        )
        more = f" and {len(unknown) - NAMED} more" if len(unknown) > NAMED else ""
        yield "values", f"mask holds the {which}{more}, which no class has: ignored"
    if row.specks >= MANY_SPECKS:
        yield "specks", f"mask has {row.specks} tiny specks"
    if isinstance(data.encoding, BinaryEncoding) and pair.mask.suffix.lower() not in LOSSY_SUFFIXES:
        between = _grey_share(values) if data.encoding.level == 128 else 0
        if between > 0.02:
            yield "grey", f"{percent(between, 0)} of the mask is grey, cut at {data.encoding.level}"
    if max(row.height, row.width) > 3 * min(row.height, row.width):
        yield "aspect", f"{row.width}x{row.height} is a very long shape"
    if not 12 <= row.brightness <= 243:
        yield "light", f"photo is very {'dark' if row.brightness < 12 else 'bright'}"
    if min(row.height, row.width) < 64:
        yield "small", f"photo is only {row.width}x{row.height}"


def _unknown_values(values: NDArray[np.int32], encoding: MaskEncoding) -> list[int]:
    """The raw values of a mask (h, w) that are neither a class nor ignored on purpose, as in photos that came
    after the classes were decided."""
    if not isinstance(encoding, ClassEncoding) or encoding.of_one is not None:
        return []
    odd = values[encoding.labels(values) == IGNORE]
    return [
        value for value in np.unique(odd).tolist() if value not in (encoding.task.void, *encoding.ignored)
    ]


def _covered(row: Row, data: DataFolder, known: int) -> Iterator[tuple[str, str]]:
    """What is odd about how much the masks cover, `known` pixels not being void."""
    if known == 0 or (isinstance(data.encoding, ClassEncoding) and row.foreground == 0):
        yield "void", "mask is void everywhere"
    elif isinstance(data.encoding, ClassEncoding):
        if sum(share > 0 for share in row.classes) < 2:
            yield "uniform", "one class everywhere"
    elif row.foreground == 0:
        yield "empty", "mask is empty"
    elif isinstance(data.encoding, LayersEncoding):
        full = [
            name for name, share in zip(data.encoding.task.classes, row.classes, strict=True) if share == 1
        ]
        if full:
            yield "full", f"mask of {' and '.join(full)} covers everything"
    elif row.foreground == 1:
        yield "full", "mask covers everything"


def _grey_share(values: NDArray[np.int32]) -> float:
    """The share of pixels between black and white, from every fourth row and column."""
    some = values[::4, ::4]
    return np.count_nonzero((some > 0) & (some < 255)) / some.size


def _see_together(rows: list[Row]) -> None:
    """Add what one photo alone does not show: near-duplicates and sizes unlike all others."""
    good = [row for row in rows if row.hash]
    for i, j in near_duplicates.near_duplicates([row.hash for row in good], [row.look for row in good]):
        leaks = good[i].split != good[j].split
        for here, there in ((good[i], good[j]), (good[j], good[i])):
            text = f"nearly the same as {there.name}" + (f", in {there.split or 'no split'}" if leaks else "")
            here.twin = here.twin or there.name
            _add(here, "leak" if leaks else "twin", text)
    areas = np.array([row.height * row.width for row in good], float)
    usual = np.median(areas) if len(areas) else 0
    for row, area in zip(good, areas, strict=True):
        if len(areas) >= 10 and not usual / 16 <= area <= usual * 16:
            _add(row, "outlier", f"{row.width}x{row.height} is unlike the others in size")


def _see_values(rows: list[Row], value_range: Range | None) -> None:
    """Note the photos of more than 8 bits, where they are read in a range that is not theirs."""
    wide = [row for row in rows if (row.lowest, row.highest) != (0.0, 0.0)]
    extremes = [(row.lowest, row.highest) for row in wide]
    if not is_misread(extremes, value_range):
        return
    for row, (low, high) in zip(wide, extremes, strict=True):
        read_as = words(value_range or (0.0, usual_top(high)))
        _add(row, "range", f"values {words((low, high))}, read as {read_as}")


def _see_moved(rows: list[Row], data: DataFolder) -> None:
    """Note held-out photos whose files were moved into a folder for training."""
    moved = SplitRecord.from_dict(data.about).moved([*(row.name for row in rows), *data.left_out])
    for row in rows:
        before, folders = moved.get(row.name), row.name.lower().split("/")[:-1]
        if before and row.split in ("validation", "test") and "train" in map(split_of_folder, folders):
            _add(row, "moved", f"was {before}: it stays in the {row.split} set")


def _add(row: Row, code: str, note: str) -> None:
    if row.problem or code in row.findings.split():
        return
    row.note = f"{row.note}; {note}" if row.note else note
    row.findings = f"{row.findings} {code}".strip()


def _shares(pair: Pair, data: DataFolder, every: Sequence[NDArray[np.int32]]) -> tuple[float, ...]:
    """The share of pixels of each class or label. `every` is what the masks hold, those that there are."""
    encoding = data.encoding
    if isinstance(encoding, LayersEncoding):
        shares = (float(encoding.labels(values).mean(dtype=np.float64)) for values in every)
        return tuple(next(shares) if path else 0.0 for path in pair.layers)
    if isinstance(encoding, BinaryEncoding):
        return ()
    values = every[0]
    counts = np.bincount(encoding.labels(values).ravel(), minlength=256)[: encoding.task.outputs]
    return tuple((counts / values.size).tolist())


def _below(path: Path, root: Path) -> str:
    """The path without the root; pathlib's own way takes ten times as long."""
    return str(path)[len(str(root)) + 1 :].replace(os.sep, "/")


def _fingerprint(data: DataFolder) -> str:
    about = (LAYOUT, data.encoding.to_dict(), data.split, data.problems, data.left_out, data.value_range)
    digest = hashlib.sha256(repr(about).encode())
    for pair in data.pairs:
        digest.update(b"inverted" if pair.inverted else b"")
        for path in pair.files:
            digest.update(f"{path}\0{_stamp(path)}\n".encode())
    return digest.hexdigest()[:32]


def _stamp(path: Path) -> str:
    try:
        stat = path.stat()
        return f"{stat.st_size} {stat.st_mtime_ns}"
    except OSError:
        return "gone"
