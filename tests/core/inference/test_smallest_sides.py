"""PAN takes no side below 128 pixels: settings say so, and photos are padded to it."""

import numpy as np
import pytest
import segmentation_models_pytorch as smp

from core.config import ARCHITECTURES, SMALLEST_SIDES, TrainConfig
from core.errors import UserError
from core.inference.predictor import Predictor
from core.models.card import ModelCard
from core.models.preprocessing import fit_photo


@pytest.mark.parametrize("size", [(96, 128), (128, 64)])
def test_a_size_that_the_network_does_not_take_is_refused_before_training(size: tuple[int, int]) -> None:
    with pytest.raises(UserError, match="PAN takes no pictures below 128 pixels"):
        TrainConfig("x", architecture="PAN", height=size[0], width=size[1])
    TrainConfig("x", architecture="PAN", height=128, width=128)


@pytest.mark.parametrize("architecture", [name for name in ARCHITECTURES if name != "DPT"])
@pytest.mark.parametrize("size", [(20, 400), (400, 20)])
def test_narrow_photos_are_taken_by_every_architecture(architecture: str, size: tuple[int, int]) -> None:
    network = smp.create_model(architecture, "resnet18", encoder_weights=None)
    predictor = Predictor.of(network, ModelCard("x", architecture, "resnet18", "none", long_side=64))
    assert predictor(np.zeros((*size, 3), np.uint8)).shape == size


def test_padding_to_the_smallest_side_leaves_the_photo_where_it_was() -> None:
    photo = np.arange(40 * 200 * 3, dtype=np.uint32).astype(np.uint8).reshape(40, 200, 3)
    plain, inner = fit_photo(photo, 200)
    padded, same = fit_photo(photo, 200, SMALLEST_SIDES["PAN"])
    assert padded.shape == (128, 224, 3) and same == inner == (40, 200)
    assert (padded[: plain.shape[0]] == plain).all()
