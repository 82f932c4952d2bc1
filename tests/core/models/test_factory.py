"""Models are built, and refused, by name."""

import pytest
import torch

from core.config import DEFAULT_ENCODER, TrainConfig
from core.errors import UserError
from core.models import encoder_catalogue
from core.models.factory import build_model, encoder_names


def test_the_encoder_list_of_the_page_is_smps() -> None:
    assert sorted(encoder_catalogue.all_encoders()) == encoder_names()
    assert encoder_catalogue.all_encoders()[0] == DEFAULT_ENCODER


def test_an_unknown_encoder_is_one_sentence() -> None:
    with pytest.raises(UserError, match="no encoder 'resnet1'"):
        build_model(TrainConfig("x", encoder="resnet1", encoder_weights="none"))


@pytest.mark.parametrize("architecture", ["Unet", "FPN", "DeepLabV3Plus", "Segformer"])
def test_other_architectures_build(architecture: str) -> None:
    model = build_model(
        TrainConfig("x", architecture=architecture, encoder="resnet18", encoder_weights="none")
    ).model
    assert model.eval()(torch.zeros(1, 3, 64, 64)).shape == (1, 1, 64, 64)
