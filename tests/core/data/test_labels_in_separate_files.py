"""Several labels a pixel, a file for each: the check and the training look at all of them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import checks, findings
from core.data.checks import Report
from core.data.dataset import DataFolder, open_data
from core.data.store import read_pair
from core.errors import UserError

BLANK = np.zeros((80, 70), np.uint8)


def square(height: int = 80, width: int = 70) -> np.ndarray:  # type: ignore[type-arg]
    mask = np.zeros((height, width), np.uint8)
    mask[: height // 2, : width // 2] = 255
    return mask


def data_set(root: Path, **layers: dict[str, np.ndarray]) -> DataFolder:  # type: ignore[type-arg]
    """Photos 0 to 3 of 80 rows and 70 columns, and these masks of labels."""
    (root / "images").mkdir(parents=True)
    for i in range(4):
        noise = np.random.default_rng(i).integers(0, 256, (80, 70, 3), np.uint8)
        Image.fromarray(noise).save(root / "images" / f"{i}.png")
    for label, masks in layers.items():
        (root / "masks" / label).mkdir(parents=True)
        for stem, mask in masks.items():
            Image.fromarray(mask).save(root / "masks" / label / f"{stem[1:]}.png")
    return open_data(root)


def report_of(data: DataFolder) -> Report:
    return next(step for step in checks.check(data) if isinstance(step, Report))


def test_a_photo_with_the_second_label_alone_is_not_empty(tmp_path: Path) -> None:
    a = {"_0": square(), "_1": BLANK, "_2": BLANK, "_3": BLANK}
    b = {"_0": BLANK, "_1": square(), "_2": square(), "_3": BLANK}
    report = report_of(data_set(tmp_path, a=a, b=b))
    assert findings.to_exclude(report.table, "empty") == ["3.png"]
    assert list(report.table["foreground"]) == [0.25, 0.25, 0.25, 0.0]
    assert report.table["classes"].map(tuple).tolist() == [(0.25, 0.0), (0.0, 0.25), (0.0, 0.25), (0.0, 0.0)]


def test_a_label_that_covers_everything_is_named(tmp_path: Path) -> None:
    a = {f"_{i}": square() for i in range(4)}
    report = report_of(data_set(tmp_path, a=a, b={"_2": np.full((80, 70), 255, np.uint8)}))
    assert list(findings.rows_with(report.table, "full")["note"]) == ["mask of b covers everything"]


@pytest.mark.parametrize("label", ["a", "b"])
def test_a_layer_of_transposed_shape_is_refused_by_name(tmp_path: Path, label: str) -> None:
    layers = {name: {f"_{i}": square() for i in range(4)} for name in "ab"}
    layers[label]["_1"] = square(70, 80)
    data = data_set(tmp_path, **layers)
    with pytest.raises(UserError, match=f"{label}/1.png differ in shape .70x80 and 80x70"):
        read_pair(data.pairs[1], data.encoding)
    report = report_of(data)
    assert (
        list(report.problems["name"]) == ["1.png"] and f"{label}/1.png" in report.problems.iloc[0]["problem"]
    )


def test_labels_keep_the_resolution_of_the_finest_layer(tmp_path: Path) -> None:
    a = {f"_{i}": square(40, 35) for i in range(4)}
    data = data_set(tmp_path, a=a, b={f"_{i}": square() for i in range(4)})
    labels = read_pair(data.pairs[0], data.encoding)[1]
    assert labels.shape == (80, 70) and np.array_equal(labels >> 1, square() // 255)
    assert report_of(data).summary()["mended"] == 4
