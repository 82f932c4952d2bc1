import numpy as np

from core.data import demo
from core.data.dataset import open_data


def test_the_built_in_data_is_deterministic_varied_and_exact() -> None:
    first, again = demo.draw_scene(5), demo.draw_scene(5)
    assert np.array_equal(first[0], again[0]) and np.array_equal(first[1], again[1])
    scenes = [demo.draw_scene(seed) for seed in range(30)]
    assert all(photo.shape == (256, 192, 3) and mask.shape == (256, 192) for photo, mask in scenes)
    assert all(set(np.unique(mask)) <= {0, 1} for _, mask in scenes)
    shares = np.array([mask.mean() for _, mask in scenes])
    assert shares.min() < 0.2 and shares.max() > 0.4 and shares.std() > 0.1


def test_the_built_in_data_is_generated_once_with_a_written_split() -> None:
    assert not demo.is_ready()
    assert list(demo.generate(pairs=20))[-1] == 20
    assert demo.is_ready() and list(demo.generate(pairs=20)) == []
    data = open_data(demo.demo_folder())
    assert len(data.pairs) == 20 and len(data.split.validation) == 4


def test_the_project_draws_at_least_240_pairs() -> None:
    assert demo.PAIRS >= 240 and (demo.HEIGHT, demo.WIDTH) == (256, 192)


def test_an_interrupted_generation_leaves_nothing_half_made() -> None:
    drawing = demo.generate(pairs=20)
    next(drawing)
    drawing.close()  # type: ignore[attr-defined]
    assert not demo.is_ready()
    assert list(demo.generate(pairs=20))[-1] == 20
