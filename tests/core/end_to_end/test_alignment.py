"""Every photo lies on its mask: within a tenth of a pixel, whatever both have been through.

Nothing is trained. The photos show a bright ellipse, so where the subject is can be read off the photo as
well as off the labels, and a network that answers with the brightness alone is never wrong about it.
"""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from core.cutout_settings import CutOutSettings
from core.data import thumbnails
from core.data.classes import ClassEncoding
from core.data.dataset import open_data
from core.data.photos import read_photo
from core.data.sampling import PairDataset
from core.data.store import Store, build_store, read_pair, stored_side
from core.data.transforms import augmentation
from core.evaluation.cache import Evaluation, evaluate, panels
from core.evaluation.candidates import Candidate
from core.export import predict as exported_script
from core.export.onnx_file import save_onnx
from core.imaging import rendering
from core.imaging.guided_filter import enlarge
from core.imaging.label_resizing import resize_labels
from core.inference.predictor import Predictor
from core.inference.test_time_augmentation import probability_map
from core.models.card import ModelCard
from core.models.preprocessing import Preprocessing
from core.task import Task

NEAR = 0.1  # pixels
HEIGHT, WIDTH = 128, 96  # of the training
DARK, BRIGHT = 40, 220
CARD = ModelCard(
    "Bright", "Unet", "x", "none", height=HEIGHT, width=WIDTH, long_side=HEIGHT,
    preprocessing=Preprocessing((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
)  # fmt: skip
CLASSES = Task("multiclass", ("dark", "bright"), (0, 1))


class Bright(torch.nn.Module):
    """Logits that are above 0 where a pixel is brighter than the middle of DARK and BRIGHT."""

    def __init__(self, task: Task | None = None) -> None:
        super().__init__()
        self.task = task or Task()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        middle, reach = (DARK + BRIGHT) / 255 - 1, (BRIGHT - DARK) / 255
        logits = (images.mean(dim=1, keepdim=True) - middle) / reach * 4
        return torch.cat([-logits, logits], dim=1) if self.task.kind == "multiclass" else logits


def scene(height: int, width: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Photo (h, w, 3) and mask (h, w) of 0 and 1: an ellipse off the middle, drawn four times as large."""
    rng = np.random.default_rng(seed)
    middle = 4 * width * rng.uniform(0.42, 0.62), 4 * height * rng.uniform(0.42, 0.62)
    large = np.zeros((4 * height, 4 * width), np.uint8)
    axes = (4 * width * 0.4, 4 * height * 0.3)
    cv2.ellipse(large, (middle, axes, float(rng.uniform(0, 180))), 255, -1)  # type: ignore[call-overload]
    share = np.asarray(cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA))
    photo = (DARK + share.astype(np.float32) / 255 * (BRIGHT - DARK)).round().astype(np.uint8)
    return np.dstack([photo] * 3), (share >= 128).astype(np.uint8)


def bright_part(photo: np.ndarray) -> np.ndarray:
    """Where the ellipse is in a photo, whatever its colours have been through."""
    grey = cv2.GaussianBlur(photo.astype(np.float32).mean(axis=2), (0, 0), 0.7)  # noise has no say
    low, high = np.percentile(grey, (8, 92))
    return np.asarray(grey >= (low + high) / 2)


def middle(inside: np.ndarray) -> np.ndarray:
    """(y, x) of the centroid."""
    return np.argwhere(inside).mean(axis=0)


def apart(ones: list[np.ndarray], others: list[np.ndarray]) -> float:
    """How far the centroids lie apart along y or x, whichever is more: the median over the images."""
    differences = [middle(a) - middle(b) for a, b in zip(ones, others, strict=True)]
    return float(np.abs(np.median(differences, axis=0)).max())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of sizes that halve badly, with masks at their own and at another resolution."""
    root = tmp_path_factory.mktemp("ellipses")
    for part in ("images", "masks"):
        (root / part).mkdir()
    for i in range(12):
        height, width = ((521, 389), (171, 128), (389, 521), (256, 192))[i % 4]
        photo, mask = scene(height, width, i)
        Image.fromarray(photo).save(root / "images" / f"{i}.jpg", quality=95)
        if i >= 8:
            mask = resize_labels(mask, (round(height / 1.5), round(width / 1.5)))
        Image.fromarray(mask * np.uint8(255)).save(root / "masks" / f"{i}.png")
    return root


def stored(folder: Path, several: bool = False) -> Store:
    data = open_data(folder)
    encoding = data.encoding
    if several:
        encoding = ClassEncoding(Task("multiclass", CLASSES.classes, (0, 255)))
    long_side = stored_side(HEIGHT, WIDTH)
    return next(s for s in build_store(data.pairs, encoding, long_side) if isinstance(s, Store))


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("size", [(128, 96), (171, 128), (64, 48), (100, 70), (512, 384), (384, 288)])
def test_resized_labels_stay_where_they_were(size: tuple[int, int], classes: int) -> None:
    shifts = []
    for seed in range(20):
        mask = scene(256, 192, seed)[1] * np.uint8(classes - 1)
        mask[:5] = np.arange(5, dtype=np.uint8)[:, None] % classes if classes > 2 else 0
        before = middle(mask[32:] == classes - 1) + np.array([32.5, 0.5])
        after = middle(resize_labels(mask, size)[size[0] // 8 :] == classes - 1)
        after += np.array([size[0] // 8 + 0.5, 0.5])
        shifts.append(after - before * size / (256, 192))
    assert np.abs(np.mean(shifts, axis=0)).max() < NEAR


def test_resizing_labels_makes_no_new_ones_and_keeps_halves_whole() -> None:
    labels = np.zeros((8, 8), np.uint8)
    labels[:, 4:] = 200
    labels[:4, :4] = 255
    assert (resize_labels(labels, (4, 4)) == resize_labels(resize_labels(labels, (32, 32)), (4, 4))).all()
    for size in ((3, 3), (5, 7), (13, 9)):
        assert set(np.unique(resize_labels(labels, size))) <= {0, 200, 255}
    assert (resize_labels(np.full((5, 5), 7, np.uint8), (3, 9)) == 7).all()


@pytest.mark.parametrize("several", [False, True])
def test_the_store_and_validation_keep_mask_and_photo_together(folder: Path, several: bool) -> None:
    store = stored(folder, several)
    kept = [store[i] for i in range(len(store))]
    assert apart([labels == 1 for _, labels in kept], [bright_part(photo) for photo, _ in kept]) < NEAR
    photos, labels = store.batch(range(len(store)), HEIGHT, WIDTH)
    assert apart(list(labels == 1), [bright_part(photo) for photo in photos]) < NEAR


def test_a_jpeg_that_is_decoded_small_lies_where_it_lies_whole(tmp_path: Path) -> None:
    """2,049 pixels become 257 of 8 each: seven more than there are."""
    photo, mask = scene(2049, 2049, 1)
    Image.fromarray(photo).save(tmp_path / "a.jpg", quality=95)
    small = read_photo(tmp_path / "a.jpg", max_side=256)
    assert small.shape == (256, 256, 3)
    assert apart([bright_part(small)], [resize_labels(mask, (256, 256)) == 1]) < NEAR


@pytest.mark.parametrize("kind", ["none", "tutorial", "light", "standard", "strong"])
@pytest.mark.parametrize("several", [False, True])
def test_augmentation_moves_mask_and_photo_alike(folder: Path, kind: str, several: bool) -> None:
    drawn = PairDataset(stored(folder, several), augmentation(kind, HEIGHT, WIDTH))
    ones, others = [], []
    for seed in range(120):
        image, labels = drawn[seed % 12, seed]
        inside = labels.numpy() == 1
        if 0.05 < inside.mean() < 0.7:
            ones.append(inside)
            others.append(bright_part(image.numpy().transpose(1, 2, 0)))
    assert len(ones) > 80
    assert apart(ones, others) < NEAR


AUGMENTATIONS = [
    CutOutSettings(), CutOutSettings(flip=True), CutOutSettings(scales=True), CutOutSettings(tiles=2),
    CutOutSettings(tiles=3), CutOutSettings(flip=True, scales=True, tiles=4),
]  # fmt: skip


def wave(x: np.ndarray, period: int) -> np.ndarray:
    """Up from DARK to BRIGHT and down again, in straight lines: each value says where it is from."""
    return DARK + (BRIGHT - DARK) * (1 - np.abs(2 * (x / period % 1) - 1))


def local_shift(probability: np.ndarray, axis: int, period: int) -> float:
    """How far the waves lie from where they were, in pixels: the most over all stretches of one period."""
    x = np.arange(probability.shape[axis]) + 0.5
    brightness = (np.log(probability / (1 - probability)) / 8 + 0.5) * (BRIGHT - DARK) + DARK
    slope = np.where(x / period % 1 < 0.5, 2, -2) * (BRIGHT - DARK) / period
    moved = (brightness.mean(axis=1 - axis) - wave(x, period)) / slope
    straight = np.abs(x / period % 0.5 - 0.25) < 0.12  # tips are blunt at any size but the photo's
    stretches = [slice(i, i + period) for i in range(0, len(x) - period, 4)]
    return max(abs(float(moved[s][straight[s]].mean())) for s in stretches)


@pytest.mark.parametrize("size", [(521, 389), (171, 128), (97, 131), (250, 190)])
@pytest.mark.parametrize("settings", AUGMENTATIONS)
def test_predictions_lie_on_the_photo_everywhere(size: tuple[int, int], settings: CutOutSettings) -> None:
    """Tiles too: they begin between whole pixels of the map in which they are joined."""
    predictor, period = Predictor.of(Bright(), CARD), max(32, max(size) // 8)
    for axis in (0, 1):
        line = wave(np.arange(size[axis]) + 0.5, period)
        values = np.broadcast_to(line[:, None] if axis == 0 else line, size)
        photo = np.dstack([values.round().astype(np.uint8)] * 3)
        found = enlarge(probability_map(photo, predictor, settings), photo, fine=False)
        assert local_shift(found, axis, period) < NEAR


@pytest.mark.parametrize("fine", [False, True])
def test_an_edge_is_found_where_it_is_whether_refined_or_not(fine: bool) -> None:
    predictor = Predictor.of(Bright(), CARD)
    pairs = [scene(521, 389, seed) for seed in range(5)]
    found = [enlarge(predictor.small_map(photo), photo, fine) >= 0.5 for photo, _ in pairs]
    assert apart(found, [mask == 1 for _, mask in pairs]) < NEAR


@pytest.mark.parametrize("task", [Task(), CLASSES])
def test_the_browser_of_predictions_shows_all_three_at_one_place(folder: Path, task: Task) -> None:
    card = replace(CARD, task=task)
    candidate = Candidate("bright", "Bright", card, 0.0, lambda: Predictor.of(Bright(task), card))
    data = open_data(folder)
    if task.kind == "multiclass":
        data = replace(data, encoding=ClassEncoding(Task("multiclass", CLASSES.classes, (0, 255))))
    kept = next(e for e in evaluate(candidate, data, "train") if isinstance(e, Evaluation))
    shown = [panels(kept, pair, data, 0.5, side=200) for pair in data.pairs_of("train")]
    lies = [bright_part(each.photo) for each in shown]
    assert apart([each.truth == 1 for each in shown], lies) < NEAR
    assert apart([each.predicted == 1 for each in shown], lies) < NEAR


def test_thumbnails_and_overlays_show_masks_where_they_lie(folder: Path) -> None:
    data = open_data(folder)
    read = [read_pair(pair, data.encoding) for pair in data.pairs]
    photos = [rendering.display_size(photo, 200) for photo, _ in read]
    masks = [
        thumbnails.pair_view(photo, labels, "Mask", data.encoding.task)
        for photo, (_, labels) in zip(photos, read, strict=True)
    ]
    assert apart([mask > 0 for mask in masks], [bright_part(photo) for photo in photos]) < NEAR


@pytest.mark.parametrize("task", [Task(), CLASSES])
def test_an_exported_model_finds_things_where_they_are(tmp_path: Path, task: Task) -> None:
    card = replace(CARD, task=task)
    save_onnx(Bright(task).eval(), card, tmp_path / "model.onnx")
    model = exported_script.Model(tmp_path / "model.onnx", threads=1)
    pairs = [scene(521, 389, seed) for seed in range(5)]
    found = [model.mask(model(photo)) > 0 for photo, _ in pairs]
    assert apart(found, [mask == 1 for _, mask in pairs]) < NEAR
