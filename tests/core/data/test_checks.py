"""What a check finds in masks of classes."""

import io
import shutil
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core.data import checks, findings, fixes
from core.data.checks import count_specks
from core.data.dataset import open_data, write_down
from core.data.jpeg_damage import is_damaged_jpeg
from core.data.store import read_pair
from core.system.workspace import write_json
from tests.builders import write_scenes
from tests.core.data.small_sets import classes, report_of, save
from tests.core.data.test_jpeg_damage import flipped


def of_classes(root: Path, *masks: tuple[int, ...]) -> Path:
    for part in ("images", "masks"):
        (root / part).mkdir(parents=True)
    for number, values in enumerate(masks):
        add(root, number, values)
    return root


def add(root: Path, number: int, values: tuple[int, ...]) -> None:
    noise = np.random.default_rng(number).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(root / "images" / f"{number}.png")
    mask = np.resize(np.array(values, np.uint8), (64, 64))
    Image.fromarray(mask).save(root / "masks" / f"{number}.png")


def notes(root: Path) -> dict[str, str]:
    report = next(r for r in checks.check(open_data(root)) if isinstance(r, checks.Report))
    rows = report.table[report.table["findings"].str.contains("values")]
    return dict(zip(rows["name"], rows["note"], strict=True))


def test_a_value_that_no_class_has_is_named_with_its_photo(tmp_path: Path) -> None:
    root = of_classes(tmp_path / "set", (0, 1, 2), (0, 1, 2), (0, 1, 2, 255))
    write_down(fixes.as_classes(open_data(root)))
    assert notes(root) == {}
    add(root, 3, (0, 7, 9))
    assert list(notes(root)) == ["3.png"] and "values 7, 9, which no class has" in notes(root)["3.png"]


def test_values_that_are_ignored_on_purpose_are_no_finding(tmp_path: Path) -> None:
    root = of_classes(tmp_path / "set", (0, 1, 2, 3), (0, 1, 2, 3))
    merged = fixes.merge(fixes.as_classes(open_data(root)), ["class 2", "class 3"], "both")
    fixes.ignore(merged, ["both"])
    assert notes(root) == {}


def codes(folder: Path, name: str) -> set[str]:
    table = report_of(folder).table
    return set(table[table["name"] == name].iloc[0]["findings"].split())


def broken(folder: Path, what: str) -> str:  # noqa: PLR0912 - one branch for each flaw
    """Break one pair in this way; returns the name under which it is found."""
    photo, mask = folder / "images" / "03.jpg", folder / "masks" / "03.png"
    array = np.array(Image.open(mask))
    match what:
        case "partner":
            mask.unlink()
        case "unpainted":
            write_json(folder / "dataset.json", {"origin": {"layout": "painted"}})
            mask.unlink()
        case "unread":
            photo.write_bytes(photo.read_bytes()[:200])
        case "damaged":
            content = photo.read_bytes()
            changed = (flipped(content, seed) for seed in range(50))
            photo.write_bytes(next(bad for bad in changed if is_damaged_jpeg(bad)))
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
    "what", [k.code for k in findings.KINDS if k.code not in ("chosen", "moved", "uniform", "void", "values")]
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
    assert (row["problem"] != "") == (findings.BY_CODE[what].level in ("excluded", "to paint"))
    listed = pd.read_csv(io.BytesIO(findings.download(table)))
    assert name in set(listed["name"])


def test_of_two_alike_one_stays_and_a_leak_is_stopped_by_leaving_out_the_training_photo(
    tmp_path: Path,
) -> None:
    folder = write_scenes(tmp_path / "set", 14)
    name = broken(folder, "leak")
    chosen = findings.to_exclude(report_of(folder).table, "leak")
    assert chosen == [name] and name in open_data(folder).split.train
    fixes.exclude(open_data(folder), chosen)
    assert "leak" not in findings.counts(report_of(folder).table)
    assert codes(folder, name) == {"chosen"}


def test_specks_are_counted_at_any_resolution() -> None:
    mask = np.zeros((300, 400), np.uint8)
    mask[100:200, 100:200] = 1
    assert count_specks(mask) == 0
    mask[10::60, 10::60] = 1
    assert count_specks(mask) >= 20
    assert count_specks(cv2.resize(mask, None, fx=3, fy=3, interpolation=cv2.INTER_NEAREST)) >= 15


def test_class_balance_is_the_mean_share_of_each_class(small_data: Path) -> None:
    data = classes(small_data)
    shares = [[(read_pair(p, data.encoding)[1] == i).mean() for i in range(3)] for p in data.pairs]
    balance = report_of(small_data).class_balance(data.encoding.task.classes)
    assert list(balance.values()) == pytest.approx(np.mean(shares, axis=0))
