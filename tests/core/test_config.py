"""Presets and settings of a training."""

import json

import pytest

from core.config import PRESETS, TrainConfig, preset_config
from core.errors import UserError


def test_every_preset_is_a_valid_configuration_and_goes_through_json() -> None:
    for name in PRESETS:
        config = preset_config(name, "some/folder")
        assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_the_tutorial_recipe_is_the_tutorials() -> None:
    config = preset_config("Tutorial recipe", "d")
    assert (config.architecture, config.encoder, config.batch_size) == ("Unet", "efficientnet-b3", 64)
    assert (config.optimizer, config.learning_rate, config.loss) == ("adam", 3e-4, "bce")
    assert (config.epochs, config.height, config.width, config.schedule) == (10, 256, 192, "constant")


@pytest.mark.parametrize(
    "bad",
    [{"height": 100}, {"epochs": 0}, {"loss": "l2"}, {"batch_size": "8"}, {"nonsense": 1}, {"data": ""}],
)
def test_settings_that_make_no_sense_are_one_sentence(bad: dict[str, object]) -> None:
    with pytest.raises(UserError):
        TrainConfig.from_dict({"data": "d", **bad})
