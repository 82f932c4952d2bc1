"""Refined edges, decontaminated colours, connected components counted and measured."""

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from PIL import Image
from skimage.measure import label, regionprops

from core import cli
from core.cutout_settings import Background, CutOutSettings
from core.errors import UserError
from core.evaluation.boundaries import boundary_iou
from core.imaging import components, matting
from core.imaging.guided_filter import enlarge
from core.imaging.matting import alpha_of, compose, foreground
from core.inference import zip_writer
from tests.builders import write_scenes

masks = arrays.arrays(np.uint8, (14, 17), elements=st.integers(0, 1))


def disc(side: int = 400, radius: float = 0.3) -> NDArray[np.uint8]:
    y, x = np.mgrid[:side, :side] / side - 0.5
    return ((x * x + y * y) < radius * radius).astype(np.uint8)


def disc_photo(side: int = 400) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A soft-edged orange disc on blue, and its alpha."""
    alpha = cv2.GaussianBlur(disc(side).astype(np.float32), (0, 0), side / 130)[..., None]
    noise = np.random.default_rng(0).normal(0, 4, (side, side, 3))
    photo = np.array([230, 120, 20]) * alpha + np.array([20, 60, 200]) * (1 - alpha) + noise
    return np.clip(photo, 0, 255).astype(np.uint8), alpha[..., 0]


def test_a_small_map_finds_the_photos_own_edge() -> None:
    truth = disc()
    photo = np.where(truth[..., None] > 0, (230, 120, 20), (20, 60, 200)).astype(np.uint8)
    small = cv2.GaussianBlur(
        cv2.resize(truth.astype(np.float32), (50, 50), interpolation=cv2.INTER_AREA), (0, 0), 1.5
    )
    plainly = boundary_iou(truth, (enlarge(small, photo, False) >= 0.5).astype(np.uint8), 0.005)
    along = boundary_iou(truth, (enlarge(small, photo) >= 0.5).astype(np.uint8), 0.005)
    assert along > plainly + 0.1 and along > 0.8


@given(arrays.arrays(np.float32, (6, 7), elements=st.floats(0, 1, width=32)), st.integers(0, 99))
def test_a_refined_map_is_a_probability_at_the_photos_size(small: NDArray[np.float32], seed: int) -> None:
    photo = np.random.default_rng(seed).integers(0, 256, (33, 41, 3), np.uint8)
    fine = enlarge(small, photo)
    assert fine.shape == (33, 41) and fine.dtype == np.float32
    assert fine.min() >= 0 and fine.max() <= 1


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_certainty_stays(value: float) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    assert (enlarge(np.full((15, 20), value, np.float32), photo) == value).all()


def test_alpha_crosses_a_half_at_the_threshold() -> None:
    probability = np.linspace(0, 1, 101, dtype=np.float32)[None]
    for threshold in (0.3, 0.5, 0.8):
        alpha = alpha_of(probability, threshold, CutOutSettings())
        assert np.array_equal(alpha >= 0.5, probability >= np.float32(threshold))


@given(masks)
def test_the_largest_component_is_scikit_images(inside: NDArray[np.uint8]) -> None:
    labelled = label(inside, connectivity=2)
    kept = matting.largest_component(inside)
    areas = np.bincount(labelled.ravel())[1:]
    assert kept.sum() == (areas.max() if len(areas) else 0)
    assert not (kept & ~inside.astype(bool)).any() and label(kept, connectivity=2).max() <= 1


@given(masks)
def test_holes_are_scipys(inside: NDArray[np.uint8]) -> None:
    from scipy.ndimage import binary_fill_holes

    assert np.array_equal(inside | matting.holes(inside), binary_fill_holes(inside).astype(np.uint8))


def test_components_and_holes_change_the_alpha() -> None:
    probability = disc(200).astype(np.float32)
    probability[95:105, 95:105] = 0  # a hole
    probability[5:15, 5:15] = 1  # a speck
    both = alpha_of(probability, 0.5, CutOutSettings(only_largest=True, fill_holes=True))
    assert both[100, 100] == 1 and both[10, 10] == 0
    untouched = alpha_of(probability, 0.5, CutOutSettings())
    assert untouched[100, 100] == 0 and untouched[10, 10] == 1
    feathered = alpha_of(probability, 0.5, CutOutSettings(feather=10))
    assert len(np.unique(feathered)) > len(np.unique(untouched))


def test_the_edge_loses_the_old_backgrounds_colour() -> None:
    photo, alpha = disc_photo()
    rim = (alpha > 0.3) & (alpha < 0.9)
    own = np.array([230, 120, 20])
    before = np.abs(photo[rim].astype(float) - own).mean()
    after = np.abs(foreground(photo, alpha)[rim].astype(float) - own).mean()
    assert after < before / 3
    assert compose(photo, alpha, Background()).shape == (400, 400, 4)


def test_each_background_lies_behind_the_subject() -> None:
    photo, alpha = disc_photo()
    outside, middle = (5, 5), (200, 200)
    red = compose(photo, alpha, Background("colour", (255, 0, 0)))
    assert tuple(red[outside]) == (255, 0, 0) and np.abs(red[middle].astype(int) - photo[middle]).max() <= 3
    grey = compose(photo, alpha, Background("grey"))
    assert len(set(grey[outside].tolist())) == 1 and np.array_equal(grey[middle], photo[middle])
    blurred = compose(photo, alpha, Background("blur", strength=1.0))
    assert blurred[:40].std(axis=(0, 1)).max() < photo[:40].std(axis=(0, 1)).max()
    rim = cv2.dilate((alpha > 0.01).astype(np.uint8), np.ones((9, 9))) - (alpha > 0.01)
    assert (
        np.abs(blurred[rim > 0].astype(float) - np.array([20, 60, 200])).mean() < 12
    )  # no halo of the subject
    behind = np.zeros((10, 30, 3), np.uint8) + np.array([0, 255, 0], np.uint8)
    assert tuple(compose(photo, alpha, Background("picture", picture=behind))[outside]) == (
        0,
        255,
        0,
    )
    assert compose(photo, alpha, Background()).shape[2] == 4


@given(masks)
def test_components_are_measured_like_scikit_image(inside: NDArray[np.uint8]) -> None:
    found, numbers = components.find_components(inside)
    expected = sorted((int(r.area), r.bbox) for r in regionprops(label(inside, connectivity=2)))
    ours = sorted((p.area, (p.top, p.left, p.top + p.height, p.left + p.width)) for p in found)
    assert ours == expected
    assert [int((numbers == p.number).sum()) for p in found] == [p.area for p in found]
    assert [p.area for p in found] == sorted((p.area for p in found), reverse=True)
    assert len(components.find_components(inside, 0.02)[0]) == sum(p.share >= 0.02 for p in found)


def test_the_table_is_at_the_photos_own_size() -> None:
    inside = np.zeros((50, 100), np.uint8)
    inside[10:20, 30:50] = 1
    found, numbers = components.find_components(inside)
    row = components.component_table(found, "a.jpg", scale=4).iloc[0]
    assert (row["file"], row["area"], row["left"], row["width"]) == ("a.jpg", 3200, 120, 80)
    drawn = components.numbered(np.zeros((50, 100, 3), np.uint8), found, numbers)
    assert drawn[inside > 0].any() and not drawn[30:].any()


def test_a_folder_is_predicted_and_resumed(
    saved_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos, out = write_scenes(tmp_path / "set", 4) / "images", tmp_path / "out"

    def call(*more: str) -> str:
        words = ["predict", str(photos), "--model", str(saved_model), "--out", str(out), *more]
        assert cli.main([*words, "--save", "mask,cutout,components", "--json"]) == 0
        return capsys.readouterr().out.strip().splitlines()[-1]

    assert '"passed_over": 0' in call("--background", "#ff0000", "--fill-holes", "--only-largest")
    assert len(list(out.iterdir())) == 12
    with Image.open(out / "00_cutout.png") as cut:
        assert cut.mode == "RGB"
    (out / "02_mask.png").unlink()
    kept = (out / "01_mask.png").stat().st_mtime_ns
    assert '"passed_over": 3' in call("--resume")
    assert (out / "02_mask.png").is_file() and (out / "01_mask.png").stat().st_mtime_ns == kept
    assert (out / "00_components.csv").read_text("utf-8-sig").startswith("file,number,area")


@pytest.mark.parametrize("words", ["#12", "#zzzzzz", "no_such_file.jpg"])
def test_a_background_that_is_none_is_one_sentence(
    words: str, saved_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = write_scenes(tmp_path / "set", 2) / "images" / "00.jpg"
    given = [
        "predict",
        str(photo),
        "--model",
        str(saved_model),
        "--out",
        str(tmp_path / "o"),
        "--background",
        words,
    ]
    assert cli.main(given) != 0
    assert words in capsys.readouterr().err


def test_a_zip_of_many_photos_leaves_out_what_cannot_be_read(tmp_path: Path) -> None:
    def make(place: int) -> dict[str, bytes]:
        if place == 1:
            raise UserError("b.jpg is not a picture.")
        return {kind: f"{place} {kind}".encode() for kind in ("mask", "cutout", "components")}

    target = tmp_path / "new" / "photos.zip"
    done = list(zip_writer.pack(["x/a.jpg", "b.jpg", "a.png"], make, target))
    assert [d.problem for d in done] == ["", "b.jpg is not a picture.", ""]
    with zipfile.ZipFile(target) as archive:
        assert archive.namelist() == [
            *("a_mask.png", "a_cutout.png", "a_components.csv"),
            *("a-2_mask.png", "a-2_cutout.png", "a-2_components.csv"),
        ]
        assert archive.read("a-2_mask.png") == b"2 mask"
    with pytest.raises(UserError, match="None of the photos"):
        list(zip_writer.pack(["b.jpg"], lambda place: make(1), tmp_path / "none.zip"))
    assert not (tmp_path / "none.zip").exists() and len(list(tmp_path.iterdir())) == 1
