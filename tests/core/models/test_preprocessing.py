"""Normalisation and padding."""

import numpy as np
import pytest
import torch

from core.models.preprocessing import Preprocessing, fit_photo


def test_normalisation_is_the_textbook_one() -> None:
    images = torch.randint(0, 256, (2, 3, 4, 5), dtype=torch.uint8)
    prep = Preprocessing((0.5, 0.4, 0.3), (0.2, 0.3, 0.1))
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (prep.mean, prep.std))
    assert torch.allclose(prep.normalise(images), (images / 255 - mean) / std, atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (7, 900), (33, 31), (640, 480), (1000, 3)])
def test_photos_of_any_size_are_padded_to_multiples_of_32(size: tuple[int, int]) -> None:
    padded, inner = fit_photo(np.zeros((*size, 3), np.uint8), 128)
    assert padded.shape[0] % 32 == padded.shape[1] % 32 == 0
    assert inner[0] <= padded.shape[0] and inner[1] <= padded.shape[1]
    assert max(inner) == 128
