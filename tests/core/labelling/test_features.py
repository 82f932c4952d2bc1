import numpy as np
import pytest

from core.labelling.features import FINEST, FeatureCache, photo_features


@pytest.mark.parametrize("size", [(60, 90), (700, 400), (33, 1000)])
def test_features_cover_the_photo_in_its_own_shape(size: tuple[int, int]) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    found = photo_features(photo)
    assert found.size == size
    assert abs(found.shape[0] / found.shape[1] / (size[0] / size[1]) - 1) < 0.1
    assert max(found.shape) == 512 // FINEST
    assert found.pooled().shape == (found.channels,)
    assert all(np.isfinite(values).all() for values in found.maps)
    for values, (rows, columns) in zip(found.maps, found.corners, strict=True):
        assert rows <= values.shape[1] and columns <= values.shape[2]


def test_a_cached_photo_is_read_once_and_the_oldest_is_dropped() -> None:
    reads: list[str] = []

    def read(name: str) -> np.ndarray:
        reads.append(name)
        return np.full((32, 32, 3), len(reads), np.uint8)

    cache = FeatureCache(photos=2)
    first = cache.of("a", lambda: read("a"))
    assert cache.of("a", lambda: read("a")) is first
    cache.of("b", lambda: read("b"))
    cache.of("c", lambda: read("c"))
    cache.of("a", lambda: read("a"))
    assert reads == ["a", "b", "c", "a"]
