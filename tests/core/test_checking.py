import shutil
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core.data import catalogue, checks, findings, fixes, near_duplicates
from core.data.catalogue import Catalogue, View, open_catalogue, rows_of
from core.data.checks import Report, count_specks
from core.data.classes import ClassEncoding
from core.data.dataset import DataFolder, open_data
from core.data.store import read_pair
from core.errors import UserError
from core.task import Task
from tests.builders import write_scenes


def report_of(folder: Path) -> Report:
    return next(r for r in checks.check(open_data(folder)) if isinstance(r, Report))


def opened(folder: Path) -> Catalogue:
    return next(r for r in open_catalogue(folder) if isinstance(r, Catalogue))


def codes(folder: Path, name: str) -> set[str]:
    table = report_of(folder).table
    return set(table[table["name"] == name].iloc[0]["findings"].split())


def save(path: Path, array: np.ndarray) -> None:
    Image.fromarray(array).save(path)


def broken(folder: Path, what: str) -> str:  # noqa: PLR0912 - one branch for each flaw
    """Break one pair in this way; returns the name under which it is found."""
    photo, mask = folder / "images" / "03.jpg", folder / "masks" / "03.png"
    array = np.array(Image.open(mask))
    match what:
        case "partner":
            mask.unlink()
        case "unread":
            photo.write_bytes(photo.read_bytes()[:200])
        case "shape":
            save(mask, array[:40])
        case "resized":
            save(mask, cv2.resize(array, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST))
        case "empty":
            save(mask, np.zeros_like(array))
        case "full":
            save(mask, np.full_like(array, 255))
        case "specks":
            big = np.zeros((array.shape[0] * 8, array.shape[1] * 8), np.uint8)
            for row in range(20, 700, 100):
                big[row : row + 6, 100:106] = 255
            save(mask, big)
        case "grey":
            array[: array.shape[0] // 2] = 100
            save(mask, array)
        case "aspect":
            Image.open(photo).resize((400, 90)).save(photo)
            save(mask, cv2.resize(array, (400, 90), interpolation=cv2.INTER_NEAREST))
        case "turned":
            upside_down = Image.Exif()
            upside_down[0x0112] = 3
            Image.open(photo).rotate(180).save(photo, exif=upside_down)
        case "light":
            save(photo, np.zeros((array.shape[0], array.shape[1], 3), np.uint8))
        case "range":  # 12 bits in a file of 16; a TIFF by its content, whatever its name
            grey = np.array(Image.open(photo).convert("L")).astype(np.uint16) * np.uint16(16)
            Image.fromarray(grey).save(photo, "TIFF")
        case "small":
            Image.open(photo).resize((32, 48)).save(photo)
            save(mask, cv2.resize(array, (32, 48), interpolation=cv2.INTER_NEAREST))
        case "outlier":
            Image.open(photo).resize((64 * 8, 96 * 8)).save(photo)
            save(mask, cv2.resize(array, (64 * 8, 96 * 8), interpolation=cv2.INTER_NEAREST))
        case _:
            data = open_data(folder)
            same = data.split.train[0] if what == "twin" else data.split.validation[0]
            other = data.split.train[1]
            Image.open(folder / "images" / same).save(folder / "images" / other, quality=60)
            shutil.copy(
                folder / "masks" / same.replace("jpg", "png"), folder / "masks" / other.replace("jpg", "png")
            )
            return other
    return "03.jpg"


@pytest.mark.parametrize(
    "what", [k.code for k in findings.KINDS if k.code not in ("chosen", "uniform", "void", "values")]
)
def test_every_kind_of_flaw_is_found_where_it_is_and_nowhere_else(tmp_path: Path, what: str) -> None:
    folder = write_scenes(tmp_path / "set", 14)
    before = {code for row in report_of(folder).table["findings"] for code in row.split()}
    assert before <= {"specks"}
    name = broken(folder, what)
    assert what in codes(folder, name)
    table = report_of(folder).table
    expected = 2 if what in ("leak", "twin") else 1
    if what != "specks":
        assert findings.counts(table)[what] == expected
    row = table[table["name"] == name].iloc[0]
    assert (row["problem"] != "") == (findings.BY_CODE[what].level == "left out")
    listed = pd.read_csv(pd.io.common.BytesIO(findings.download(table)))
    assert name in set(listed["name"])


def test_of_two_alike_one_stays_and_a_leak_is_stopped_by_leaving_out_the_training_photo(
    tmp_path: Path,
) -> None:
    folder = write_scenes(tmp_path / "set", 14)
    name = broken(folder, "leak")
    chosen = findings.to_leave_out(report_of(folder).table, "leak")
    assert chosen == [name] and name in open_data(folder).split.train
    fixes.leave_out(open_data(folder), chosen)
    assert "leak" not in findings.counts(report_of(folder).table)
    assert codes(folder, name) == {"chosen"}


def test_perceptual_hashes_stay_close_under_saving_and_resizing_and_apart_otherwise(tmp_path: Path) -> None:
    folder = write_scenes(tmp_path / "set", 14)
    photos = [np.asarray(Image.open(p)) for p in sorted((folder / "images").iterdir())]
    again = [np.asarray(cv2.resize(p, None, fx=1.4, fy=1.4)) for p in photos]
    everything = photos + again
    pairs = set(
        near_duplicates.near_duplicates(
            [near_duplicates.perceptual_hash(p) for p in everything],
            [near_duplicates.small_look(p) for p in everything],
        )
    )
    assert pairs == {(i, i + len(photos)) for i in range(len(photos))}


def test_specks_are_counted_at_any_resolution() -> None:
    mask = np.zeros((300, 400), np.uint8)
    mask[100:200, 100:200] = 1
    assert count_specks(mask) == 0
    mask[10::60, 10::60] = 1
    assert count_specks(mask) >= 20
    assert count_specks(cv2.resize(mask, None, fx=3, fy=3, interpolation=cv2.INTER_NEAREST)) >= 15


def foreground(data: DataFolder, name: str) -> float:
    pair = next(pair for pair in data.pairs if pair.name == name)
    return float(read_pair(pair, data.encoding)[1].mean())


def test_leaving_out_inverting_and_binarising_are_undone_step_by_step(small_data: Path) -> None:
    original = open_data(small_data)
    share = foreground(original, "04.jpg")
    data = fixes.leave_out(original, ["01.jpg", "02.jpg"])
    assert len(data.pairs) == 8 and data.left_out == ("01.jpg", "02.jpg")
    data = fixes.invert(data, ["04.jpg"])
    assert foreground(data, "04.jpg") == pytest.approx(1 - share)
    assert foreground(data, "05.jpg") == foreground(original, "05.jpg")
    data = fixes.invert(data)
    assert foreground(data, "04.jpg") == pytest.approx(share)
    data = fixes.binarise(data, 200)
    assert data.encoding.to_dict()["level"] == 200
    assert len(fixes.history(data)) == 4
    for pairs in (8, 8, 8, 10):
        data = fixes.undo(data)
        assert len(data.pairs) == pairs
    assert data.encoding == original.encoding and foreground(data, "04.jpg") == share
    with pytest.raises(UserError, match="nothing to undo"):
        fixes.undo(data)


def test_files_are_never_touched_by_fixes(small_data: Path) -> None:
    before = {p: p.read_bytes() for p in small_data.rglob("*.*") if p.suffix in (".jpg", ".png")}
    data = fixes.invert(fixes.leave_out(open_data(small_data), ["01.jpg"]))
    assert before == {p: p.read_bytes() for p in before} and len(data.pairs) == 9


def test_a_fix_that_leaves_nothing_is_refused_and_changes_nothing(small_data: Path) -> None:
    data = open_data(small_data)
    with pytest.raises(UserError, match="fewer than two"):
        fixes.leave_out(data, [pair.name for pair in data.pairs[:9]])
    assert len(open_data(small_data).pairs) == 10


def classes(folder: Path) -> DataFolder:
    """Masks with the values 0, 1 and 2, and void."""
    for path in (folder / "masks").iterdir():
        values = (np.array(Image.open(path)) > 0).astype(np.uint8)
        values[: values.shape[0] // 2] *= 2
        values[0] = 255
        save(path, values)
    return fixes.as_classes(open_data(folder))


def test_classes_are_merged_renamed_and_made_one_foreground(small_data: Path) -> None:
    data = classes(small_data)
    assert data.encoding.task == Task("multiclass", ("class 0", "class 1", "class 2"), (0, 1, 2), 255)
    pair = data.pairs[0]
    raw = read_pair(pair, data.encoding)[1]
    data = fixes.rename(data, ["ground", "legs", "head"])
    merged = fixes.merge(data, ["legs", "head"], "person")
    assert merged.encoding.task.classes == ("ground", "person")
    assert np.array_equal(read_pair(pair, merged.encoding)[1] == 1, (raw == 1) | (raw == 2))
    assert isinstance(merged.encoding, ClassEncoding) and merged.encoding == open_data(small_data).encoding
    only = fixes.as_foreground(fixes.undo(merged), ["head"])
    assert np.array_equal(read_pair(pair, only.encoding)[1] == 1, raw == 2)
    back = fixes.undo(fixes.undo(only))
    assert back.encoding.task.classes == ("class 0", "class 1", "class 2")
    with pytest.raises(UserError, match="name of its own"):
        fixes.rename(back, ["a", "A", "b"])


def test_ignored_classes_count_for_nothing(small_data: Path) -> None:
    data = classes(small_data)
    pair = data.pairs[0]
    raw = read_pair(pair, data.encoding)[1]
    less = read_pair(pair, fixes.ignore(data, ["class 1"]).encoding)[1]
    assert np.array_equal(less == 255, (raw == 1) | (raw == 255)) and np.array_equal(less == 1, raw == 2)
    with pytest.raises(UserError, match="Two classes"):
        fixes.ignore(open_data(small_data), ["class 0"])


def test_class_balance_is_the_mean_share_of_each_class(small_data: Path) -> None:
    data = classes(small_data)
    shares = [[(read_pair(p, data.encoding)[1] == i).mean() for i in range(3)] for p in data.pairs]
    balance = report_of(small_data).class_balance(data.encoding.task.classes)
    assert list(balance.values()) == pytest.approx(np.mean(shares, axis=0))


def test_the_catalogue_filters_sorts_and_pages(small_data: Path) -> None:
    shown = opened(small_data)
    everything = rows_of(shown, View())
    assert list(everything["name"]) == sorted(everything["name"])
    assert set(rows_of(shown, View(part="validation"))["name"]) == set(open_data(small_data).split.validation)
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
    fixes.leave_out(open_data(small_data), ["new.jpg"])
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
