"""Any data, speed and time give a plan that can be trained, and what somebody sets stays as it is."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import ARCHITECTURES, AUTO, TrainConfig
from core.errors import UserError
from core.models.card import read_card
from core.runs import run_folder
from core.system.workspace import SHIPPED_MODELS
from core.training.estimate import Speed
from core.training.planning.fingerprint import Fingerprint
from core.training.planning.plan import Plan, make_plan, plan_training
from tests.builders import LIGHT_ENCODER, trained, write_camera, write_scenes

SPEED = Speed("here", "auto", "timm-tf_efficientnet_lite0", "Unet", 256, 192, 13.4, 10.0)
PHOTOS = Fingerprint(
    240, 60, 120, 320, 480, 480, "binary", ("foreground",), (0.016,), thickness=2.0,
    kept={"128x192": 0.6, "256x192": 0.71, "256x384": 0.86, "320x480": 1.0},
    flips="turns", flips_evidence="no side differs from another by more than 0.1 of its spread",
)  # fmt: skip


def plan(data: Fingerprint = PHOTOS, minutes: float = 5.0, speed: Speed = SPEED, **given: Any) -> Plan:
    return make_plan(data, speed, "photos", minutes, given)


@st.composite
def fingerprints(draw: st.DrawFn) -> Fingerprint:
    height, width = draw(st.integers(1, 12_000)), draw(st.integers(1, 12_000))
    kind = draw(st.sampled_from(["binary", "multiclass", "multilabel"]))
    outputs = 1 if kind == "binary" else draw(st.integers(2, 8))
    shares = draw(st.lists(st.floats(0, 1), min_size=outputs, max_size=outputs))
    sides = draw(st.lists(st.sampled_from([32, 64, 128, 512, 2048]), unique=True))
    return Fingerprint(
        draw(st.integers(1, 10**6)), draw(st.integers(0, 10**5)), 10, height, width, max(height, width), kind,
        tuple(f"class {i}" for i in range(outputs)), tuple(shares),
        thickness=draw(st.floats(0, 100)), kept={f"{side}x{side}": draw(st.floats(0, 1)) for side in sides},
        flips=draw(st.sampled_from(["none", "horizontal", "both", "turns"])),
        decoding=draw(st.floats(0, 10)), thumbnail=draw(st.floats(0, 1)),
    )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(fingerprints(), st.floats(0.01, 10_000), st.floats(0.01, 1e5), st.sampled_from(ARCHITECTURES))
def test_any_data_time_and_machine_give_settings_that_are_valid(
    data: Fingerprint, minutes: float, rate: float, architecture: str
) -> None:
    found = plan(data, minutes, replace(SPEED, images_per_second=rate), architecture=architecture)
    config = TrainConfig.from_dict(json.loads(json.dumps(found.config.to_dict())))
    assert config.preset == AUTO and config.minutes == pytest.approx(minutes)
    assert config.height * config.width <= 2048**2 and config.batch_size >= 1
    assert all(sentence.endswith(".") for sentence in [*found.sentences, *found.warnings])
    assert json.loads(json.dumps(found.to_dict()))["sentences"] == found.sentences


WHOLE = replace(PHOTOS, thickness=40.0)  # too thick for patches


def test_photos_are_trained_in_their_own_shape_at_a_size_that_keeps_their_masks() -> None:
    found = plan(WHOLE)
    assert (found.config.height, found.config.width) == (320, 480)
    assert any(
        "480 x 320 px" in sentence and "1.00 of their Dice" in sentence for sentence in found.sentences
    )
    assert found.warnings == (
        "At 192 x 256 px, the size of the other presets, the masks themselves keep only 0.71 of their Dice.",
    )


def test_a_faster_machine_or_more_time_is_never_spent_on_a_smaller_size() -> None:
    areas = [
        (config := plan(WHOLE, minutes=minutes, speed=replace(SPEED, images_per_second=rate)).config).height
        * config.width
        for minutes, rate in ((0.5, 2.0), (1.0, 13.4), (5.0, 13.4), (60.0, 13.4), (5.0, 500.0))
    ]
    assert areas == sorted(areas)


def test_thin_and_scarce_things_are_trained_on_in_patches() -> None:
    found = plan()
    assert (found.config.sampling, found.config.height, found.config.width) == ("patches", 256, 256)
    size = next(sentence for sentence in found.sentences if sentence.startswith("Size"))
    assert "2 pixels thick" in size and "1.6 %" in size
    assert plan(replace(WHOLE, kept={"320x480": 1.0})).config.sampling == "whole"


def test_patches_at_full_resolution_lose_nothing_and_no_warning_says_so() -> None:
    for minutes in (2.0, 5.0, 60.0):
        found = plan(replace(PHOTOS, kept={**PHOTOS.kept, "256x256": 0.9}), minutes)
        assert found.config.sampling == "patches" and found.warnings == ()


def test_reasons_are_of_these_data_and_this_time() -> None:
    def said(title: str, found: Plan) -> str:
        return next(sentence for sentence in found.sentences if sentence.startswith(title))

    assert "no class" not in said("Class weights", plan())
    classes = replace(WHOLE, kind="multiclass", classes=("sky", "road"), shares=(0.5, 0.5))
    assert "no class is rare" in said("Class weights", plan(classes))
    seen = [said("Augmentation", plan(replace(WHOLE, training=count))) for count in (10**5, 1200, 600)]
    assert [sentence.partition("is seen ")[2] for sentence in seen] == [
        "less than once.", "about once.", "about 2 times.",
    ]  # fmt: skip


def test_thin_things_in_photos_too_large_for_the_time_are_trained_on_in_patches() -> None:
    kept = {"192x256": 0.4, "768x1024": 0.7, "1536x2048": 0.88}
    large = replace(PHOTOS, height=2000, width=3000, thickness=5.0, kept=kept)
    config = plan(large).config
    assert (config.sampling, config.foreground_patches) == ("patches", 0.33)
    assert config.height == config.width >= 256 and config.images_per_epoch
    assert config.validation_images <= 8 < plan().config.validation_images + 60  # windows take their time
    assert (
        plan(replace(large, thickness=400.0)).config.sampling == "whole"
    )  # a part would not show what it is
    assert plan(large, height=512, width=768).config.sampling == "whole"
    assert plan(sampling="patches").config.sampling == "patches"


LARGE = replace(PHOTOS, height=5480, width=7300, longest=7300, thickness=9.0, kept={"5480x7300": 0.3})


def test_photos_whose_windows_would_take_the_time_are_trained_on_whole() -> None:
    config = plan(LARGE, minutes=1.0).config
    assert config.sampling == "whole"
    windows = plan(LARGE, minutes=1.0, sampling="patches").config
    assert windows.validation_images == 1
    assert plan(LARGE, minutes=600.0).config.sampling == "patches"


def test_a_time_for_a_handful_of_patches_is_spent_on_whole_photos() -> None:
    assert plan(minutes=5.0).config.sampling == "patches"
    assert plan(minutes=0.3).config.sampling == "whole"


def test_no_more_photos_are_decoded_than_the_time_allows() -> None:
    slow = replace(WHOLE, training=2000, decoding=0.4, thumbnail=0.4)
    few = plan(slow, minutes=0.5)
    assert 16 <= few.config.training_images < 200
    assert any("of 2,000 for training" in sentence for sentence in few.sentences)
    assert plan(slow, minutes=60.0).config.training_images == 0
    assert plan(replace(slow, decoding=0.001, thumbnail=0.001), minutes=0.5).config.training_images == 0
    assert plan(slow, minutes=0.5, training_images=7).config.training_images == 7


def test_what_somebody_sets_stays_and_the_plan_says_what_it_would_have_done() -> None:
    found = plan(WHOLE, height=256, width=192, loss="focal", encoder=LIGHT_ENCODER)
    config = found.config
    assert (config.height, config.width, config.loss, config.encoder) == (256, 192, "focal", LIGHT_ENCODER)
    size = next(sentence for sentence in found.sentences if sentence.startswith("Size"))
    assert "as you set it" in size and "480 x 320 px" in size
    assert "192 x 256 px" in found.warnings[0] and "0.71" in found.warnings[0]


def test_epochs_that_somebody_sets_take_the_place_of_the_minutes() -> None:
    config = plan(epochs=3).config
    assert (config.epochs, config.minutes) == (3, 0.0)


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(UserError, match="encoder_depth"):
        plan(architecture="FPN", encoder_depth=3)


def test_flips_are_those_that_the_photos_bear() -> None:
    assert plan().config.flips == "turns"
    assert plan(replace(PHOTOS, flips="horizontal")).config.flips == "horizontal"


@pytest.mark.parametrize("kind", ["binary", "classes"])
def test_a_planned_run_trains_in_the_time_and_keeps_its_plan(tmp_path: Path, kind: str) -> None:
    data = write_scenes(tmp_path / "d", 6) if kind == "binary" else write_camera(tmp_path / "d", 6)
    task = {} if kind == "binary" else {"task": "multiclass", "ignore_index": 7}
    found = plan_training(
        data, 0.02, encoder=LIGHT_ENCODER, encoder_weights="none", device="cpu", precision="fp32", **task
    )
    run = run_folder.create(found.config, tmp_path / "run", found.to_dict())
    trained(found.config, run.folder)
    assert run.plan["sentences"] == found.sentences and run.config == found.config
    card = read_card(run.best)
    assert (card.height, card.width) == (found.config.height, found.config.width)
    assert found.fingerprint.kind == ("binary" if kind == "binary" else "multiclass")


def test_a_few_photos_start_from_a_model_that_ships_and_many_or_another_network_do_not() -> None:
    few = replace(WHOLE, training=10)
    assert plan(few).config.start_from == str(SHIPPED_MODELS / "person-lite0")
    assert plan(WHOLE).config.start_from == ""
    assert plan(few, sampling="patches").config.start_from == ""
    for other in ({"architecture": "FPN"}, {"encoder": LIGHT_ENCODER}, {"encoder_weights": "none"}):
        assert plan(few, **other).config.start_from == ""
    assert plan(few, start_from="").config.start_from == ""


def test_few_photos_are_not_said_to_be_seen_for_thousands_of_epochs() -> None:
    photos = replace(PHOTOS, training=13, validation=3, thickness=60.0, shares=(0.3,))
    few = plan(photos, speed=replace(SPEED, images_per_second=500.0))
    assert few.config.epochs > 1000
    said = " ".join(few.sentences)
    assert "all 13 photos more than 100 times" in said and "epoch" not in said
