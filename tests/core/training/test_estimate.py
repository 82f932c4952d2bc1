"""How long a training will take is estimated from what was measured on this machine."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.config import DEFAULT_ENCODER, TrainConfig
from core.runs.events import EpochEnd, Started
from core.training import estimate

CONFIG = TrainConfig("data", epochs=6, images_per_epoch=240, validation_images=60)


@pytest.fixture(autouse=True)
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else runs beside the tests."""
    monkeypatch.setattr(estimate.psutil, "getloadavg", lambda: (0.0, 0.0, 0.0))


def test_nothing_is_estimated_before_anything_was_measured(workspace: Path) -> None:
    assert estimate.seconds(CONFIG, 1000, 200) is None
    assert not estimate.is_known()


def test_a_training_like_the_measured_one_takes_what_that_took(workspace: Path) -> None:
    estimate.note(CONFIG, 1000, 200, epoch_seconds=20.0, loading=5.0)
    assert estimate.is_known()
    # Six epochs of 260 passes (a validation pass counts a third), and the untrained model's validation.
    assert estimate.seconds(CONFIG, 1000, 200) == pytest.approx(5 + 6 * 20 + 20 * 20 / 260, rel=1e-3)


def test_size_epochs_and_encoder_change_the_estimate(workspace: Path) -> None:
    estimate.note(CONFIG, 1000, 200, epoch_seconds=20.0, loading=0.0)

    def seconds(**changes: object) -> float:
        values = {**CONFIG.to_dict(), **changes}
        found = estimate.seconds(TrainConfig.from_dict(values), 1000, 200)
        assert found
        return found

    assert seconds(height=512, width=384) == pytest.approx(4 * seconds())
    assert 1.9 < seconds(epochs=12) / seconds() < 2
    assert seconds(encoder="efficientnet-b7") > 2 * seconds()
    assert seconds(architecture="UnetPlusPlus") > seconds()


def test_an_encoder_of_which_nothing_is_known_has_no_estimate(workspace: Path) -> None:
    estimate.note(CONFIG, 1000, 200, epoch_seconds=20.0, loading=0.0)
    assert estimate.seconds(TrainConfig("data", encoder="tu-no_such"), 1000, 200) is None


def test_the_newest_measurement_of_a_network_replaces_the_one_before(workspace: Path) -> None:
    for seconds in (20.0, 40.0):
        estimate.note(CONFIG, 1000, 200, epoch_seconds=seconds, loading=0.0)
    found = estimate.seconds(CONFIG, 1000, 200)
    assert found and found > 6 * 40


def test_another_machines_measurement_does_not_count(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    estimate.note(CONFIG, 1000, 200, epoch_seconds=20.0, loading=0.0)
    monkeypatch.setattr(estimate.platform, "node", lambda: "elsewhere")
    assert not estimate.is_known()


def test_a_training_beside_other_work_does_not_replace_a_measurement(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    estimate.note(CONFIG, 1000, 200, epoch_seconds=20.0, loading=0.0)
    before = estimate.seconds(CONFIG, 1000, 200)
    monkeypatch.setattr(estimate.psutil, "getloadavg", lambda: (100.0, 100.0, 100.0))
    estimate.note(CONFIG, 1000, 200, epoch_seconds=400.0, loading=0.0)
    estimate.measure()  # returns at once
    assert estimate.seconds(CONFIG, 1000, 200) == before


def test_a_machine_of_which_nothing_is_known_is_measured_beside_other_work(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimate.psutil, "getloadavg", lambda: (100.0, 100.0, 100.0))
    line = json.dumps({"images_per_second": 3.5, "height": 256, "width": 192})
    monkeypatch.setattr(estimate.subprocess, "run", lambda *a, **b: SimpleNamespace(stdout=f"{line}\n"))
    estimate.measure()
    assert [speed.images_per_second for speed in estimate._known()] == [3.5]


def test_a_damaged_file_of_measurements_is_no_error(workspace: Path) -> None:
    estimate.note(CONFIG, 1000, 200, epoch_seconds=20.0, loading=0.0)
    (workspace / "cache" / "speeds.json").write_text('{"speeds": [{"machine": 1}]}')
    assert estimate.seconds(CONFIG, 1000, 200) is None


def test_the_events_of_a_training_are_what_is_measured(workspace: Path) -> None:
    watch = estimate.Stopwatch(CONFIG, since=0.0)
    watch(Started(1000, 200, 30, 6, "cpu", "32", "ImageNet", 1))
    scores = dict.fromkeys(
        ("dice_pooled", "dice_mean", "iou_pooled", "miou", "pixel_accuracy", "precision"), 0.5
    )
    watch(EpochEnd(1, 0.5, 0.5, recall=0.5, seconds=26.0, is_best=True, **scores))
    (speed,) = estimate._known()
    assert speed.encoder == DEFAULT_ENCODER and speed.images_per_second == pytest.approx(10)


def test_patches_are_estimated_by_their_number_and_by_the_windows_of_the_validation() -> None:
    estimate.note(CONFIG, 1000, 200, epoch_seconds=20.0, loading=0.0)
    patches = TrainConfig("data", sampling="patches", height=CONFIG.height, width=CONFIG.width, epochs=1)
    side = 4 * CONFIG.height, 4 * CONFIG.width
    epoch = estimate.epoch_of(patches, 100, 10, side)
    assert (epoch.trained, epoch.validated) == (1600, 490)
    each = 20 / estimate.epoch_of(CONFIG, 1000, 200).passes
    assert estimate.seconds(patches, 100, 10, side) == pytest.approx((1600 + 2 * 490 / 3) * each, rel=0.01)


def test_a_training_on_patches_is_measured_by_its_patches(workspace: Path) -> None:
    watch = estimate.Stopwatch(TrainConfig("data", sampling="patches"), since=0.0)
    watch(Started(100, 20, 30, 6, "cpu", "32", "ImageNet", 1, patches=900, windows=300))
    scores = dict.fromkeys(
        ("dice_pooled", "dice_mean", "iou_pooled", "miou", "pixel_accuracy", "precision"), 0.5
    )
    watch(EpochEnd(1, 0.5, 0.5, recall=0.5, seconds=100.0, is_best=True, **scores))
    assert estimate._known()[0].images_per_second == pytest.approx(10)
