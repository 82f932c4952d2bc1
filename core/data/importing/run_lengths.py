"""Kaggle's csv of run lengths: a row an object, or a class, with its photo and `start length start length …`.

Pixels are counted from 1, down the columns, as most competitions have it
(https://www.kaggle.com/competitions/airbus-ship-detection/overview/evaluation); Carvana's train_masks.csv
counts along the rows. The file does not say which, so the other way is offered as a second reading.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.data.importing.annotations import Annotations, Tool
from core.data.importing.shapes import StartRuns
from core.errors import UserError

PHOTO_COLUMNS = ("imageid", "image_id", "img", "image", "id", "filename", "file_name", "imageid_classid",
                 "image_label")  # fmt: skip
RUN_COLUMNS = ("encodedpixels", "encoded_pixels", "rle_mask", "rle", "mask_rle", "encoding", "annotation",
               "segmentation")  # fmt: skip
CLASS_COLUMNS = ("classid", "class_id", "class", "label", "category", "cell_type")
TOGETHER = ("imageid_classid", "image_label")  # photo.jpg_class
NOTHING = {"", "-", "-1", "nan", "none"}


def _owns(rows: Any) -> bool:
    if len(rows) < 2:
        return False
    header = [cell.strip().lower() for cell in rows[0]]
    runs = next((header.index(name) for name in RUN_COLUMNS if name in header), -1)
    if runs < 0 or not any(name in header for name in PHOTO_COLUMNS):
        return False
    cells = (row[runs].strip() for row in rows[1:] if len(row) > runs)
    first = next((cell for cell in cells if cell.lower() not in NOTHING), "")
    return _is_pairs(first.split(maxsplit=20)[:20])


def _is_pairs(cells: Sequence[str]) -> bool:
    return len(cells) > 1 and len(cells) % 2 == 0 and all(c.isdecimal() and c.isascii() for c in cells)


def _down(file: str, rows: Any, categories: dict[str, int]) -> Annotations:
    return _annotations(file, rows, categories, by_rows=False)


def _along(file: str, rows: Any, categories: dict[str, int]) -> Annotations:
    return _annotations(file, rows, categories, by_rows=True)


def _is_carvana(rows: Any) -> bool:
    return _owns(rows) and [cell.strip().lower() for cell in rows[0]] == ["img", "rle_mask"]


def _is_another(rows: Any) -> bool:
    return _owns(rows) and not _is_carvana(rows)


def _annotations(file: str, rows: Any, categories: dict[str, int], by_rows: bool) -> Annotations:
    if "sample_submission" in file.lower():
        raise UserError("it is a sample submission, not labels.")
    found = Annotations(categories)
    header = [cell.strip().lower() for cell in rows[0]]
    photo_name = next(name for name in PHOTO_COLUMNS if name in header)
    photo_at, runs_at = header.index(photo_name), next(header.index(n) for n in RUN_COLUMNS if n in header)
    class_at = next((header.index(name) for name in CLASS_COLUMNS if name in header), -1)
    for number, row in enumerate(rows[1:], 2):
        if not any(row):
            continue
        if len(row) <= max(photo_at, runs_at, class_at):
            raise UserError(f"its line {number} is cut short: download it again.")
        photo, label = row[photo_at].strip(), row[class_at].strip() if class_at >= 0 else "foreground"
        if photo_name in TOGETHER:
            photo, _, label = photo.rpartition("_")
        found.add_photo(photo)
        runs = row[runs_at].split()
        if len(runs) < 2 and "".join(runs).lower() in NOTHING:
            continue
        if not _is_pairs(runs):
            found.refused[photo] = (
                f"Line {number} of {file}, for {photo}, holds no pairs of start and length."
            )
            continue
        pairs = np.array(list(map(int, runs)), np.int64)
        found.add(photo, f"class {label}" if label.isdigit() else label, StartRuns(pairs, by_rows))
    return found


DOWN = "Kaggle run lengths, down the columns"
ALONG = "Kaggle run lengths, along the rows"
# The likelier reading comes first.
RUN_LENGTHS = (
    Tool("Kaggle run-length", ".csv", _is_carvana, _along, by_stem=True, layout=ALONG),
    Tool("Kaggle run-length", ".csv", _owns, _down, by_stem=True, layout=DOWN),
    Tool("Kaggle run-length", ".csv", _is_another, _along, by_stem=True, layout=ALONG),
)
