"""Composed pairs are exact, varied and the same for a seed."""

from pathlib import Path

import numpy as np
import pytest

from core.data import composing
from core.data.composing import Composition, compose, compose_one, read_cutout
from core.data.dataset import open_data
from core.errors import UserError
from tests.core.archives import photo, picture, scene


def cutout(seed: int = 0) -> bytes:
    image, mask = scene(seed)
    return picture(np.dstack([image, mask * np.uint8(255)]))


def test_composed_pairs_are_exact_varied_and_the_same_for_a_seed() -> None:
    how = Composition(count=30, height=96, width=128, seed=3)
    cutouts, grounds = [read_cutout(cutout(i)) for i in range(3)], [scene(i)[0] for i in range(20, 23)]
    made = [compose_one(how, cutouts, grounds, i) for i in range(30)]
    again = compose_one(how, cutouts, grounds, 7)
    assert np.array_equal(made[7][0], again[0]) and np.array_equal(made[7][1], again[1])
    assert all(
        p.shape == (96, 128, 3) and m.shape == (96, 128) and set(np.unique(m)) <= {0, 1} for p, m in made
    )
    shares = [m.mean() for _, m in made]
    assert np.std(shares) > 0.03 and min(shares) > 0
    assert not np.array_equal(
        made[0][0], compose_one(Composition(30, 96, 128, seed=4), cutouts, grounds, 0)[0]
    )


def test_a_composed_mask_is_where_the_cutout_is() -> None:
    """A red square on blue, without light, blur or noise: the mask has to be the red pixels."""
    red = np.zeros((50, 50, 4), np.uint8)
    red[5:45, 5:45] = (255, 0, 0, 255)
    blue = np.full((80, 120, 3), (0, 0, 255), np.uint8)
    how = Composition(count=2, height=80, width=120, light=0, blur=0, subjects=3, seed=1)
    for index in range(20):
        image, mask = compose_one(how, [read_cutout(picture(red))], [blue], index)
        assert np.array_equal(image[..., 0] >= 128, mask == 1)


def test_a_composed_data_set_is_one_that_trains(tmp_path: Path) -> None:
    how = Composition(count=6, height=64, width=64)
    steps = list(compose("made", how, [read_cutout(cutout())], [scene(9)[0]]))
    assert steps[-2] == 1.0 and isinstance(steps[-1], Path)
    assert len(open_data(steps[-1]).pairs) == 6
    with pytest.raises(UserError, match="already"):
        list(compose("made", how, [read_cutout(cutout())], [scene(9)[0]]))


@pytest.mark.parametrize("content", [photo(0), picture(np.zeros((9, 9, 4), np.uint8)), b"junk"])
def test_what_is_no_cutout_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(UserError, match=r"thing\.png"):
        read_cutout(content, "thing.png")


def test_real_cutouts_and_backgrounds_compose(shared_data: Path) -> None:
    cutouts = [read_cutout(p) for p in composing.pictures_in(shared_data / "cutouts")[:8]]
    grounds = [composing.read_background(p) for p in composing.pictures_in(shared_data / "backgrounds")[:4]]
    shares = [compose_one(Composition(), cutouts, grounds, i)[1].mean() for i in range(8)]
    assert 0.02 < np.mean(shares) < 0.7
