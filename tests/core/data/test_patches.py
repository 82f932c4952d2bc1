"""Patches lie where their masks do, hold what they should, and follow from their seeds."""

from pathlib import Path

import numpy as np
import pytest
import torch

from core.data import class_places as module
from core.data.class_places import ClassPlaces, class_places
from core.data.patches import Patches, covering
from core.data.sampling import PairDataset, TrainingOrder
from core.data.transforms import augmentation, patch_scales
from core.task import IGNORE, Task
from core.training.losses import make_loss
from tests.builders import THREE, tiny
from tests.core.stores import store_of

NOWHERE = ClassPlaces(
    np.zeros(0, np.int32), np.zeros(0, np.uint8), np.zeros(0, np.int64), np.zeros(0, np.int32)
)
LABELS = Task("multilabel", ("a", "b", "c"))


def patches(places: ClassPlaces = NOWHERE, share: float = 0.0, **changes: object) -> Patches:
    given: dict[str, object] = {"scales": (1.0, 1.0), "has_void": True, **changes}
    return Patches(32, 64, share, places=places, **given)  # type: ignore[arg-type]


def spotted(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """A photo whose red is its mask: blobs of some twenty pixels."""
    noise = np.random.default_rng(0).normal(size=(height // 16 + 1, width // 16 + 1))
    labels = (np.kron(noise, np.ones((16, 16)))[:height, :width] > 0.5).astype(np.uint8)
    photo = np.zeros((height, width, 3), np.uint8)
    photo[..., 0] = labels * 255
    photo[..., 1] = np.arange(width) % 256
    photo[..., 2] = np.arange(height)[:, None] % 256
    return photo, labels


def test_a_patch_is_a_part_of_the_photo_to_the_pixel() -> None:
    photo, labels = spotted(200, 256)
    for seed in range(20):
        part, mask = patches().cut(photo, labels, 0, seed)
        top, left = int(part[0, 0, 2]), int(part[0, 0, 1])
        assert np.array_equal(part, photo[top : top + 32, left : left + 64])
        assert np.array_equal(mask, labels[top : top + 32, left : left + 64])


def test_mask_and_photo_stay_together_when_patches_are_scaled() -> None:
    photo, labels = spotted(200, 256)
    resize, shapes = augmentation("none", 32, 64, patches=True), set()
    for seed in range(60):
        part, mask = patches(scales=(0.5, 2.0)).cut(photo, labels, 0, seed)
        shapes.add(part.shape)
        made = resize(image=part, mask=mask)
        assert made["image"].shape == (32, 64, 3)
        apart = (made["image"][..., 0] >= 128) != (made["mask"] == 1)
        assert apart.mean() < 0.02
    assert len(shapes) > 20 and (32, 64, 3) in shapes


@pytest.mark.parametrize("kind", ["none", "tutorial", "light", "standard", "strong"])
def test_every_augmentation_gives_patches_of_the_size_asked_for(kind: str) -> None:
    photo, labels = spotted(70, 90)
    dataset = PairDataset(
        store_of([labels], photos=[photo]),
        augmentation(kind, 32, 64, patches=True),
        patches(scales=patch_scales(kind, 1.5)),
    )
    drawn = [dataset[0, seed] for seed in range(8)]
    assert {(tuple(image.shape), tuple(mask.shape)) for image, mask in drawn} == {((3, 32, 64), (32, 64))}
    again = [dataset[0, seed] for seed in range(8)]
    assert all(torch.equal(one[0], other[0]) for one, other in zip(drawn, again, strict=True))


@pytest.mark.parametrize("size", [(20, 100), (50, 30), (10, 12)])
def test_a_small_photo_is_continued_by_void_that_counts_in_no_loss(size: tuple[int, int]) -> None:
    photo, labels = spotted(*size)
    part, mask = patches().cut(photo, labels, 0, 1)
    rows, columns = min(32, size[0]), min(64, size[1])
    assert mask.shape == (32, 64) and part.shape == (32, 64, 3)
    known = mask != IGNORE
    assert known[:rows, :columns].all() and known.sum() == rows * columns
    logits = torch.randn(1, 1, 32, 64)
    changed = torch.where(torch.from_numpy(known), logits, 7.0)
    loss = make_loss(tiny(Path("x")), Task())
    truth = torch.from_numpy(mask[None])
    assert loss(logits, truth) == loss(changed, truth)


def test_labels_that_cannot_be_void_are_mirrored_with_the_photo() -> None:
    photo, labels = spotted(20, 40)
    part, mask = patches(has_void=False).cut(photo, labels, 0, 1)
    assert np.array_equal(part[..., 0] == 255, mask == 1)
    assert mask.shape == (32, 64)


def one_spot(height: int = 300, width: int = 400) -> np.ndarray:
    labels = np.zeros((height, width), np.uint8)
    labels[100:103, 200:203] = 1
    return labels


@pytest.mark.parametrize("share", [0.0, 1 / 3, 0.8, 1.0])
def test_the_share_of_patches_with_foreground_holds_over_many_draws(share: float, tmp_path: Path) -> None:
    labels = one_spot()
    photo = np.zeros((*labels.shape, 3), np.uint8)
    cutter = patches(class_places(store_of([labels], folder=tmp_path), Task()), share)
    holding = np.mean([(cutter.cut(photo, labels, 0, seed)[1] == 1).any() for seed in range(1500)])
    by_chance = (32 + 2) * (64 + 2) / (269 * 337)
    assert holding == pytest.approx(share + (1 - share) * by_chance, abs=0.04)


def test_a_photo_without_foreground_gives_any_patch(tmp_path: Path) -> None:
    empty = np.zeros((100, 100), np.uint8)
    cutter = patches(class_places(store_of([empty, one_spot()], folder=tmp_path), Task()), 1.0)
    tops = {cutter.cut(np.zeros((100, 100, 3), np.uint8), empty, 0, seed)[1].shape for seed in range(5)}
    assert tops == {(32, 64)}


def test_every_class_but_the_commonest_is_as_likely_as_any_other(tmp_path: Path) -> None:
    labels = np.zeros((100, 100), np.uint8)
    labels[:30] = 1
    labels[99, 50:] = 2
    labels[40] = IGNORE
    places = class_places(store_of([labels], folder=tmp_path), THREE)
    random = np.random.default_rng(0)
    drawn = [labels.ravel()[places.draw(0, random)] for _ in range(600)]
    assert set(drawn) == {1, 2}
    assert np.mean(np.array(drawn) == 2) == pytest.approx(0.5, abs=0.07)


def test_places_are_spread_evenly_over_a_class_however_large_the_mask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK", 1000)
    labels = (np.random.default_rng(0).random((200, 300)) < 0.5).astype(np.uint8)
    places = class_places(store_of([labels], folder=tmp_path), Task())
    assert len(places.pixels) == module.PIXELS == len(set(places.pixels.tolist()))
    assert (labels.ravel()[places.pixels] == 1).all()
    assert np.histogram(places.pixels, 4, (0, labels.size))[0].min() > 30
    kept = class_places(store_of([labels], folder=tmp_path), Task())
    assert np.array_equal(kept.pixels, places.pixels)


def test_labels_of_several_bits_each_have_their_places(tmp_path: Path) -> None:
    labels = np.zeros((50, 50), np.uint8)
    labels[:10] |= 1
    labels[5:7, 5:7] |= 4
    places = class_places(store_of([labels], folder=tmp_path), LABELS)
    assert places.classes.tolist() == [0, 2]
    assert (labels.ravel()[places.pixels[places.ends[0] :]] & 4 > 0).all()


def test_an_epoch_covers_the_photos_and_takes_each_photo_before_any_comes_again(tmp_path: Path) -> None:
    store = store_of([one_spot(320, 640), one_spot(), one_spot(150, 210)], folder=tmp_path)
    assert covering(store, 32, 64) == 100 + 59 + 16
    order = TrainingOrder(3, 3, 9, repeats=True)
    assert [sorted(image for image, _ in batch) for batch in order] == [[0, 1, 2]] * 3
