"""Pictures of one image for all models."""

from pathlib import Path

import pytest

from core.data.dataset import open_data
from core.errors import UserError
from core.evaluation.cache import Evaluation, panels
from core.evaluation.pictures import large_pictures


def test_pictures_of_one_image_have_one_shape(found: Evaluation, small_data: Path) -> None:
    data = open_data(small_data)
    shown = panels(found, data.pairs[0], data, 0.5)
    assert shown.probability is not None
    assert shown.photo.shape[:2] == shown.truth.shape == shown.predicted.shape == shown.probability.shape
    titles = [title for title, url in large_pictures(shown, found.task) if url.startswith("data:image/jpeg")]
    assert titles == ["Photo", "Ground truth", "Prediction", "Errors", "Probability", "Edge distance"]
    data.pairs[0].image.unlink()
    with pytest.raises(UserError, match=r"00\.jpg"):
        panels(found, data.pairs[0], data, 0.5)
