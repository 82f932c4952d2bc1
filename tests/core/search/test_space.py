"""What a search tries, and how a sweep is written."""

import pytest

from core.config import ARCHITECTURES, TrainConfig
from core.errors import UserError
from core.search import space
from core.search.space import Dimension, around, combinations, read_grid, values_of, with_values


def named(found: space.Space) -> dict[str, Dimension]:
    return {dimension.name: dimension for dimension in found}


def test_the_first_settings_are_among_the_choices() -> None:
    start = TrainConfig("x", encoder="resnet50", architecture="Linknet", height=480, width=320, loss="bce")
    found = named(around(start, space.ENCODERS))
    first = values_of(start, found)
    assert first["encoder"] == "resnet50" and first["size"] == "480x320" and first["loss"] == "bce"
    for name, dimension in found.items():
        inside = dimension.low <= first[name] <= dimension.high if not dimension.choices else True
        assert inside and (not dimension.choices or first[name] in dimension.choices), name


def test_every_choice_makes_settings_that_are_valid() -> None:
    start = TrainConfig("x", height=64, width=2048, learning_rate=9.0)
    for dimension in around(start, space.ENCODERS):
        for value in dimension.choices or (dimension.low, dimension.high):
            changed = with_values(start, {dimension.name: value})
            assert values_of(changed, [dimension.name]) == {dimension.name: value}


def test_sizes_keep_the_shape_and_step_of_32_pixels() -> None:
    found = named(around(TrainConfig("x", height=320, width=480), []))["size"]
    assert found.choices == ("224x320", "320x480", "448x672")


def test_large_photos_are_tried_in_patches_too() -> None:
    start = TrainConfig("x", height=256, width=256)
    found = named(around(start, [], photo=(1000, 800)))["size"]
    assert "256x256 patches" in found.choices and "256x256" in found.choices
    changed = with_values(start, {"size": "256x256 patches"})
    assert (changed.height, changed.sampling) == (256, "patches")
    assert not any("patches" in str(c) for c in named(around(start, [], photo=(300, 200)))["size"].choices)


def test_a_sweep_of_epochs_is_not_cut_by_minutes() -> None:
    assert with_values(TrainConfig("x", minutes=5.0), {"epochs": 3}).minutes == 0


def test_what_is_fixed_is_not_searched() -> None:
    found = named(around(TrainConfig("x"), space.ENCODERS, ["encoder", "height", "learning_rate"]))
    assert found.keys() == {"architecture", "loss", "augmentation"}


def test_weights_of_a_saved_model_keep_their_network() -> None:
    found = named(around(TrainConfig("x", start_from="models/mine"), space.ENCODERS))
    assert "encoder" not in found and "architecture" not in found and "loss" in found


def test_the_architectures_take_every_encoder() -> None:
    import segmentation_models_pytorch as smp

    assert set(space.ARCHITECTURES) <= set(ARCHITECTURES)
    for architecture in space.ARCHITECTURES:
        smp.create_model(architecture, "mit_b0", encoder_weights=None)  # the one that fits fewest


def test_a_sweep_is_read_with_the_types_of_its_settings() -> None:
    grid = read_grid("encoder=resnet18,resnet34 learning-rate=1e-3,0.01 freeze_encoder=true size=256x192")
    assert grid == {
        "encoder": ["resnet18", "resnet34"], "learning_rate": [0.001, 0.01],
        "freeze_encoder": [True], "size": ["256x192"],
    }  # fmt: skip
    assert len(combinations(grid)) == 4
    changed = with_values(TrainConfig("x"), combinations(grid)[3])
    assert (changed.encoder, changed.learning_rate, changed.height) == ("resnet34", 0.01, 256)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("encoder", "cannot be read"),
        ("encoder=", "cannot be read"),
        ("speed=1,2", "no setting 'speed'"),
        ("loss=bce,nonsense", "choose one of"),
        ("epochs=1,many", "give a number"),
        ("epochs=0,1", "use 1 to"),
        ("size=256x192,big", "write height and width"),
        ("loss=bce", "and this one has 1"),
        ("seed=" + ",".join(map(str, range(101))), "and this one has 101"),
        ("data=a,b", "no setting 'data'"),
    ],
)
def test_a_sweep_that_cannot_be_made_says_why(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        read_grid(text)
