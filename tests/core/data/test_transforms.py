"""Augmentation and normalisation."""

import numpy as np
import pytest

from core.data.transforms import augmentation, reseed


@pytest.mark.parametrize("kind", ["none", "tutorial", "light", "standard", "strong"])
@pytest.mark.parametrize("shape", [(50, 70), (64, 48), (31, 200)])
def test_augmented_pairs_have_the_asked_size_and_stay_binary(kind: str, shape: tuple[int, int]) -> None:
    transform = augmentation(kind, 64, 32)
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (*shape, 3), np.uint8)
    mask = (rng.random(shape) > 0.5).astype(np.uint8)
    for seed in range(12):
        reseed(transform, seed)
        out = transform(image=photo, mask=mask)
        assert (out["image"].shape, out["image"].dtype) == ((64, 32, 3), np.uint8)
        assert out["mask"].shape == (64, 32) and set(np.unique(out["mask"])) <= {0, 1}


@pytest.mark.parametrize("kind", ["light", "standard", "strong"])
def test_mask_and_photo_move_together(kind: str) -> None:
    yy, xx = np.mgrid[0:90, 0:120]
    mask = (((yy - 40) ** 2 + (xx - 70) ** 2) < 25**2).astype(np.uint8)
    photo = np.repeat((mask * 200 + 20)[..., None], 3, axis=2).astype(np.uint8)
    transform = augmentation(kind, 64, 64)
    for seed in range(20):
        reseed(transform, seed)
        out = transform(image=photo, mask=mask)
        grey = out["image"].astype(int).mean(axis=2)
        inside = out["mask"] == 1
        if 0.1 < inside.mean() < 0.9:
            middle = (grey[inside].mean() + grey[~inside].mean()) / 2
            assert ((grey > middle) == inside).mean() > 0.9


def test_the_same_seed_augments_the_same_way() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (80, 60, 3), np.uint8)
    results = []
    for _ in range(2):
        transform = augmentation("strong", 64, 48)
        reseed(transform, 5)
        results.append(transform(image=photo, mask=photo[..., 0] % 2)["image"])
    assert np.array_equal(*results)


@pytest.mark.parametrize(("flips", "seen"), [("none", 1), ("horizontal", 2), ("both", 4), ("turns", 8)])
def test_photos_are_turned_over_in_the_ways_that_are_allowed_and_no_others(flips: str, seen: int) -> None:
    photo = np.zeros((64, 64, 3), np.uint8)
    photo[4:28, 4:28], photo[4:28, 36:60] = 250, 150  # a bright and a grey corner: eight ways to lie
    mask = (photo[..., 0] > 200).astype(np.uint8)
    transform = augmentation("light", 64, 64, strength=0.01, flips=flips)
    ways = set()
    for seed in range(60):
        reseed(transform, seed)
        out = transform(image=photo, mask=mask)
        corners = [(16, 16), (16, 48), (48, 16), (48, 48)]
        ways.add(tuple(int(out["image"][y, x, 0]) // 60 for y, x in corners))
        assert all((out["image"][y, x, 0] > 200) == out["mask"][y, x] for y, x in corners)
    assert len(ways) == seen


def test_steps_draw_independently_of_each_other() -> None:
    """With one seed for every step, whatever happens with a probability of a half happened together."""
    photo = np.zeros((64, 64, 3), np.uint8)
    photo[:, :32] = 200
    transform = augmentation("tutorial", 64, 64)
    together = set()
    for seed in range(60):
        reseed(transform, seed)
        image = transform(image=photo, mask=photo[..., 0])["image"]
        is_flipped = image[:, :32].mean() < image[:, 32:].mean()
        together.add((bool(is_flipped), int(image.max()) != 200))
    assert len(together) == 4
