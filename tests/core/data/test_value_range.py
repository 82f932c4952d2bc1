"""Photos of more than 8 bits: a range that is not theirs is a finding, one click mends it, and then
check, training, prediction and export read them alike."""

import json
import runpy
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from core import cli
from core.config import TrainConfig
from core.data import catalogue, checks, demo, exporting, findings, fixes, thumbnails
from core.data.dataset import DataFolder, open_data, write_down
from core.data.importing.copying import Imported, import_data
from core.data.photos import read_photo, value_extremes
from core.data.store import Store, build_store
from core.data.value_range import is_misread, range_in, suggested
from core.errors import UserError
from core.export.file_metadata import metadata
from core.models.card import read_card, update_card
from core.models.factory import Built
from core.models.initial_weights import InitialWeights, Origin
from core.models.preprocessing import Preprocessing
from core.system.workspace import PROJECT
from core.training.model_card import card_of

TOP = 4095


def scene(number: int) -> NDArray[np.float64]:
    """Grey in 0..1, (48, 64), with something white and something black in it."""
    grey = demo.draw_scene(number, 64, 48)[0].mean(axis=2) / 255
    grey[0, :2] = 0, 1
    return grey


def write_wide(root: Path, top: float, kind: type, suffix: str = ".tif", low: float = 0) -> Path:
    for part in ("images", "masks"):
        (root / part).mkdir(parents=True)
    for i in range(4):
        values: NDArray[Any] = (low + scene(i) * (top - low)).astype(kind)
        Image.fromarray(values).save(root / "images" / f"{i}{suffix}")
        Image.fromarray(demo.draw_scene(i, 64, 48)[1] * np.uint8(255)).save(root / "masks" / f"{i}.png")
    return root


def checked(data: DataFolder) -> checks.Report:
    return next(r for r in checks.check(data) if isinstance(r, checks.Report))


def expected(number: int) -> NDArray[np.uint8]:
    return (scene(number) * 255).round().astype(np.uint8)


@pytest.mark.parametrize(
    ("top", "kind", "suffix", "low"),
    [(4095, np.uint16, ".tif", 0), (4095, np.uint16, ".png", 0), (1023, np.uint16, ".png", 0),
     (4095, np.int32, ".tif", 0), (1_000_000, np.int32, ".tif", 0), (3000, np.int32, ".tif", -1024),
     (4095, np.float32, ".tif", 0)],
)  # fmt: skip
def test_one_click_on_the_finding_makes_photos_as_bright_as_they_are(
    top: float, kind: type, suffix: str, low: float, tmp_path: Path
) -> None:
    data = open_data(write_wide(tmp_path / "wide", top, kind, suffix, low))
    report = checked(data)
    assert findings.counts(report.table)["range"] == 4
    data = fixes.set_range(data, findings.suggested_range(report.table))
    assert "range" not in findings.counts(checked(data).table)
    for number, pair in enumerate(data.pairs):
        photo = read_photo(pair.image, value_range=pair.value_range)
        assert np.abs(photo[..., 0].astype(int) - expected(number)).max() <= 1
    assert fixes.history(data.about)[-1].startswith("Photos' values from")
    assert fixes.undo(data).value_range is None


@pytest.mark.parametrize(
    ("top", "kind"),
    [(65535, np.uint16), (40000, np.uint16), (255, np.uint16), (1, np.float32), (255, np.int32)],
)
def test_values_that_fill_their_range_are_no_finding(top: float, kind: type, tmp_path: Path) -> None:
    data = open_data(write_wide(tmp_path / "wide", top, kind))
    assert "range" not in findings.counts(checked(data).table)


def test_photos_of_8_bits_have_no_range(small_data: Path) -> None:
    data = fixes.set_range(open_data(small_data), (0, TOP))
    assert value_extremes(data.pairs[0].image) is None
    plain, ranged = (read_photo(data.pairs[0].image, value_range=r) for r in (None, (0.0, 4095.0)))
    assert np.array_equal(plain, ranged)


def test_one_dark_photo_among_bright_ones_is_not_brightened_by_itself() -> None:
    assert is_misread([(0, 200), (0, 4000)], None)
    assert not is_misread([(0, 200), (0, 4000)], (0, 4095))
    assert suggested([(0, 200), (0, 4000)]) == (0, 4095)


def test_check_gallery_training_card_and_predictions_read_alike(tmp_path: Path) -> None:
    root = write_wide(tmp_path / "wide", TOP, np.uint16)
    before = thumbnails.thumbnails(open_data(root).pairs, open_data(root).encoding, "Photo")
    data = fixes.set_range(open_data(root), (0, TOP))
    assert checked(data).table["brightness"].mean() == pytest.approx(
        np.mean([expected(i).mean() for i in range(4)]), abs=3
    )
    write_down(data)
    shown = next(c for c in catalogue.open_catalogue(root) if isinstance(c, catalogue.Catalogue))
    assert shown.pair("0.tif").value_range == (0, TOP)
    assert thumbnails.thumbnails([shown.pair("0.tif")], shown.encoding, "Photo")[0] != before[0]
    store = next(s for s in build_store(data.pairs, data.encoding, 64) if isinstance(s, Store))
    assert np.abs(store[0][0][..., 0].astype(int) - expected(0)).max() <= 1
    card = card_of(
        TrainConfig(str(root)), data, Built(None, InitialWeights(Origin.RANDOM_AS_ASKED), Preprocessing())
    )  # type: ignore[arg-type]
    assert card.value_range == (0, TOP) and metadata(card)["value_range"] == [0, TOP]
    assert type(card).from_dict(json.loads(json.dumps(card.to_dict()))) == card


def test_predict_reads_photos_in_the_range_of_its_models_data(tmp_path: Path, saved_model: Path) -> None:
    model = shutil.copytree(saved_model, tmp_path / "model")
    update_card(model, value_range=(0.0, float(TOP)))
    assert read_card(model).value_range == (0, TOP)
    root = write_wide(tmp_path / "wide", TOP, np.uint16)
    (tmp_path / "bright").mkdir()
    Image.fromarray(expected(0)).convert("RGB").save(tmp_path / "bright" / "0.png")
    for name, photos in (("a", root / "images" / "0.tif"), ("b", tmp_path / "bright" / "0.png")):
        cli.main(["predict", str(photos), "--model", str(model), "--device", "cpu", "--save", "overlay",
                  "--out", str(tmp_path / name), "--long-side", "64"])  # fmt: skip
    one, other = (read_photo(tmp_path / name / "0_overlay.png").astype(int) for name in "ab")
    assert np.abs(one - other).mean() < 1


def test_the_script_beside_an_export_reads_as_the_app_does(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    script = runpy.run_path(str(PROJECT / "core" / "export" / "predict.py"))
    for number, (kind, top) in enumerate(
        [(np.uint16, TOP), (np.int32, 10**6), (np.float32, 1), (np.uint16, 255)]
    ):
        root = write_wide(tmp_path / str(number), top, kind)
        for given in (None, (0.0, float(TOP)), (-5.0, 100.0)):
            path = root / "images" / "1.tif"
            theirs = script["read"](path, list(given) if given else None)
            assert np.array_equal(theirs, read_photo(path, value_range=given))


def test_import_and_export_keep_values_and_range(tmp_path: Path) -> None:
    data = fixes.set_range(open_data(write_wide(tmp_path / "wide", TOP, np.int32)), (0, TOP))
    list(exporting.export(data, tmp_path / "out.zip"))
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        archive.extractall(tmp_path / "out")
    done = next(i for i in import_data(tmp_path / "out", "again") if isinstance(i, Imported))
    assert done.data.value_range == (0, TOP)
    for before, after in zip(data.pairs, done.data.pairs, strict=True):
        assert np.array_equal(np.asarray(Image.open(before.image)), np.asarray(Image.open(after.image)))


@pytest.mark.parametrize("given", [[1], [2, 1], "ab", [0, float("nan")], [None, 1], 5])
def test_a_range_that_is_none_is_one_sentence(given: object) -> None:
    with pytest.raises(UserError, match="two numbers"):
        range_in({"value_range": given})
