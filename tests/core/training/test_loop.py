"""One training from its first event to its last."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core.config import TrainConfig
from core.errors import UserError
from core.models.card import read_card
from core.models.factory import load_model
from core.runs.events import EpochEnd, Finished, Note, Preview, Started, Step
from core.system.device import use_channels_last
from tests.builders import of, slim, tiny, trained, write_scenes


def test_a_training_tells_its_story_in_order(small_data: Path, tmp_path: Path) -> None:
    events = trained(slim(small_data), tmp_path / "run")
    kinds = [type(e) for e in events if not isinstance(e, Note | Step)]
    assert kinds == [Started, EpochEnd, Preview, EpochEnd, Preview, EpochEnd, Preview, Finished]
    epochs = of(EpochEnd, events)
    assert [e.epoch for e in epochs] == [0, 1, 2]
    assert epochs[0].train_loss is None and not epochs[0].is_best
    assert of(Started, events)[0].train_images == 8
    assert of(Finished, events)[0].reason == "done"
    assert all(0 <= e.dice_mean <= 1 and 0 <= e.pixel_accuracy <= 1 for e in epochs)


def test_models_and_previews_are_kept(small_data: Path, tmp_path: Path) -> None:
    events = trained(slim(small_data, name="Mine"), tmp_path / "run")
    for name in ("best", "last"):
        _, card = load_model(tmp_path / "run" / name)
        assert card.name == "Mine" and card.settings["epochs"] == 2
    last = of(EpochEnd, events)[-1]
    assert read_card(tmp_path / "run" / "last").scores["dice_mean"] == last.dice_mean
    assert read_card(tmp_path / "run" / "best").scored_on.startswith(
        "2 validation images, each at its own size"
    )
    for preview in of(Preview, events):
        assert len(preview.files) == 2
        assert all((tmp_path / "run" / file).is_file() for file in preview.files)


def test_it_learns(tmp_path: Path) -> None:
    """Bright discs on dark ground: a few epochs must find them."""
    folder = tmp_path / "discs"
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    rng = np.random.default_rng(0)
    yy, xx = np.mgrid[0:64, 0:64]
    for i in range(24):
        (cy, cx), r = rng.integers(20, 44, 2).tolist(), int(rng.integers(8, 18))
        mask = ((yy - cy) ** 2 + (xx - cx) ** 2 < r * r).astype(np.uint8)
        photo = np.clip(mask * 120 + 60 + rng.normal(0, 12, (64, 64)), 0, 255).astype(np.uint8)
        Image.fromarray(photo).save(folder / "images" / f"{i}.png")
        Image.fromarray(mask * np.uint8(255)).save(folder / "masks" / f"{i}.png")
    config = tiny(
        folder, encoder="timm-tf_efficientnet_lite0", encoder_weights="auto", epochs=8, width=64,
        augmentation="none", learning_rate=3e-3, ema_decay=0.0,
    )  # fmt: skip
    epochs = of(EpochEnd, trained(config, tmp_path / "run"))
    assert epochs[-1].dice_mean > 0.9 > epochs[0].dice_mean


def test_the_same_seed_gives_the_same_numbers_to_the_last_digit(small_data: Path, tmp_path: Path) -> None:
    def scores(folder: str, seed: int) -> list[tuple[float, ...]]:
        events = trained(slim(small_data, seed=seed), tmp_path / folder)
        return [
            (e.validation_loss, e.dice_mean, e.pixel_accuracy, e.train_loss or 0)
            for e in of(EpochEnd, events)
        ]

    first = scores("a", 1)
    assert first == scores("b", 1)
    assert first != scores("c", 2)


def test_a_stopped_training_keeps_what_it_has(small_data: Path, tmp_path: Path) -> None:
    events = trained(slim(small_data, epochs=50), tmp_path / "run", stop_after=4)
    assert of(Finished, events)[0].reason == "stopped"
    assert of(EpochEnd, events)[-1].epoch < 50
    load_model(tmp_path / "run" / "last")


@pytest.mark.parametrize("loss", ["bce", "dice", "bce+dice"])
@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_losses_and_optimizers_run(small_data: Path, tmp_path: Path, loss: str, optimizer: str) -> None:
    config = slim(small_data, loss=loss, optimizer=optimizer, epochs=1, schedule="cosine")
    assert of(Finished, trained(config, tmp_path / "run"))


def test_bf16_runs_on_any_processor(small_data: Path, tmp_path: Path) -> None:
    events = trained(slim(small_data, precision="bf16", epochs=1), tmp_path / "run")
    assert of(Started, events)[0].precision == "bf16-mixed"


def test_averaged_weights_are_what_is_validated_and_saved(small_data: Path, tmp_path: Path) -> None:
    events = trained(slim(small_data, ema_decay=0.99999, epochs=1), tmp_path / "run")
    assert of(EpochEnd, events)
    plain = trained(slim(small_data, ema_decay=0.0, epochs=1), tmp_path / "plain")
    averaged, straight = (load_model(tmp_path / f / "last")[0].state_dict() for f in ("run", "plain"))
    key = next(k for k in straight if k.endswith("weight"))
    assert not torch.equal(averaged[key], straight[key])
    assert of(EpochEnd, plain)[0].dice_mean == of(EpochEnd, events)[0].dice_mean


def test_odd_pairs_are_named_and_left_out(small_data: Path, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((50, 50), np.uint8)).save(small_data / "masks" / "00.png")
    (small_data / "images" / "01.jpg").write_bytes(b"junk")
    (small_data / "masks" / "02.png").unlink()
    events = trained(slim(small_data, epochs=1), tmp_path / "run")
    warned = " ".join(n.text for n in of(Note, events) if n.level == "warning")
    assert all(name in warned for name in ("00.jpg", "01.jpg", "02.jpg"))
    started = of(Started, events)[0]
    assert started.train_images + started.validation_images == 7


def test_some_of_the_photos_are_trained_on_where_that_is_set(small_data: Path, tmp_path: Path) -> None:
    events = trained(tiny(small_data, epochs=1, training_images=3), tmp_path / "run")
    assert (of(Started, events)[0].train_images, of(Started, events)[0].validation_images) == (3, 2)


def test_masks_without_any_foreground_are_refused_before_training(small_data: Path, tmp_path: Path) -> None:
    for mask in (small_data / "masks").iterdir():
        Image.new("L", (64, 96)).save(mask)
    with pytest.raises(UserError, match="foreground"):
        trained(slim(small_data), tmp_path / "run")


def test_a_loss_that_is_no_number_ends_the_training_with_a_way_out(
    small_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.models.preprocessing import Preprocessing

    monkeypatch.setattr(Preprocessing, "normalise", lambda self, images: images.float() * float("nan"))
    with pytest.raises(UserError, match=r"epoch 1.*learning rate"):
        trained(slim(small_data), tmp_path / "run")


def test_a_data_set_smaller_than_a_batch_trains(tmp_path: Path) -> None:
    data = write_scenes(tmp_path / "three", 3)
    events = trained(slim(data, batch_size=64, epochs=1), tmp_path / "run")
    assert of(Started, events)[0].steps_per_epoch == 1


def test_mobileone_in_fp32_on_the_cpu_does_without_channels_last() -> None:
    config = TrainConfig("x", encoder="mobileone_s0", precision="fp32")
    assert not use_channels_last(config, "cpu")
    assert use_channels_last(replace(config, precision="bf16"), "cpu")
    assert use_channels_last(replace(config, encoder="resnet18"), "cpu")
