"""The refinement of edges."""

import numpy as np
import pytest

from core.imaging import guided_filter
from core.imaging.guided_filter import refine


@pytest.mark.parametrize("size", [(200, 61), (40, 300), (17, 900)])
def test_a_large_map_is_filtered_in_strips_to_the_same_result(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(0)
    photo = random.integers(0, 256, (*size, 3), np.uint8)
    probability = random.random(size).astype(np.float32)
    whole = refine(probability, photo)
    monkeypatch.setattr(guided_filter, "STRIP_PIXELS", 3000)
    assert np.abs(refine(probability, photo) - whole).max() < 1e-4
    assert not np.array_equal(whole, probability)
