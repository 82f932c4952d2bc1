"""What a check finds in masks of classes."""

from pathlib import Path

import numpy as np
from PIL import Image

from core.data import checks, fixes
from core.data.dataset import open_data, write_down


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
