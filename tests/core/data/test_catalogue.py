"""The catalogue behind the gallery."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from core.data import catalogue, findings, fixes
from core.data.catalogue import Catalogue, View, open_catalogue, rows_of
from core.data.dataset import open_data
from core.data.store import read_pair
from core.system import workspace
from tests.core.data.small_sets import classes, save


def opened(folder: Path) -> Catalogue:
    return next(r for r in open_catalogue(folder) if isinstance(r, Catalogue))


def test_the_catalogue_filters_sorts_and_pages(small_data: Path) -> None:
    shown = opened(small_data)
    everything = rows_of(shown, View())
    assert list(everything["name"]) == sorted(everything["name"])
    assert set(rows_of(shown, View(split="validation"))["name"]) == set(
        open_data(small_data).split.validation
    )
    shares = list(rows_of(shown, View(order="Most foreground"))["foreground"])
    assert shares == sorted(shares, reverse=True)
    middle = rows_of(shown, View(low=0.2, high=0.5))
    assert len(middle) == sum(0.2 <= s <= 0.5 for s in shares)
    assert list(rows_of(shown, View(text="7"))["name"]) == ["07.jpg"]
    assert catalogue.page_count(everything, 4) == 3
    assert list(catalogue.page_of(everything, 3, 4)["name"]) == ["08.jpg", "09.jpg"]
    for pair in open_data(small_data).pairs:
        assert shown.pair(pair.name) == pair


def test_the_catalogue_notices_new_files_fixes_and_masks_that_were_replaced(small_data: Path) -> None:
    assert len(opened(small_data).report.usable) == 10
    shutil.copy(small_data / "images" / "00.jpg", small_data / "images" / "new.jpg")
    shutil.copy(small_data / "masks" / "00.png", small_data / "masks" / "new.png")
    assert len(opened(small_data).report.usable) == 11
    fixes.exclude(open_data(small_data), ["new.jpg"])
    assert len(opened(small_data).report.usable) == 10
    empty = small_data / "masks" / "empty.png"
    save(empty, np.zeros((96, 64), np.uint8))
    empty.replace(small_data / "masks" / "05.png")
    assert "empty" in findings.counts(opened(small_data).report.table)


def test_a_class_filter_shows_the_photos_that_hold_it(small_data: Path) -> None:
    data = classes(small_data)
    shown = opened(small_data)
    holding = {p.name for p in data.pairs if (read_pair(p, data.encoding)[1] == 2).any()}
    assert set(rows_of(shown, View(class_name="class 2"))["name"]) == holding


def test_a_report_that_calls_splits_parts_is_read(small_data: Path) -> None:
    shown = opened(small_data)
    (file,) = (workspace.cache() / "manifests").glob("*.parquet")
    pd.read_parquet(file).rename(columns={"split": "part"}).to_parquet(file)
    again = opened(small_data)
    assert list(again.report.table["split"]) == list(shown.report.table["split"])
