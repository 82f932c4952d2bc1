"""How long the trainings of a search are."""

from dataclasses import replace

import pytest

from core.config import TrainConfig
from core.search.pace import fitted, most_scored, pace
from core.training import estimate


@pytest.fixture(autouse=True)
def known_speed(workspace: object) -> None:
    """10 images a second at 256x192, and 5 s of loading."""
    estimate.note(TrainConfig("-"), 600, 0, epoch_seconds=60.0, loading=5.0)


def test_the_parts_of_a_search_add_up_to_its_minutes() -> None:
    found = pace(60)
    assert found.trials + 2 * found.final == pytest.approx(3600)
    assert 4 < found.trials / found.trial < 20


@pytest.mark.parametrize("seconds", [60, 3000])
@pytest.mark.parametrize(("training", "validation"), [(40, 10), (800, 200), (100_000, 20_000)])
@pytest.mark.parametrize("side", [128, 512])
def test_a_training_takes_its_seconds_in_epochs_short_enough_for_its_checks(
    seconds: float, training: int, validation: int, side: int
) -> None:
    config = fitted(TrainConfig("x", height=side, width=side), seconds, training, validation)
    assert config.minutes * 60 == pytest.approx(seconds)
    one, two = (
        estimate.seconds(replace(config, minutes=0.0, epochs=epochs), training, validation)
        for epochs in (1, 2)
    )
    a_batch = config.batch_size * side * side / (256 * 192) / 10
    assert one is not None and two is not None and two - one < max(seconds / 5, 2 * a_batch)


def test_an_epoch_of_patches_is_as_short_as_one_of_photos_and_few_photos_are_validated() -> None:
    patches = TrainConfig("x", height=256, width=256, sampling="patches")
    config = fitted(patches, 300, 200, 50, (966, 1296))
    assert 0 < config.images_per_epoch < 400  # an epoch that covers the photos has 3,821 patches
    assert config.validation_images == 4  # of 63 windows each


def test_trials_in_windows_are_scored_on_as_many_photos_as_their_time_allows() -> None:
    start, photo = TrainConfig("x"), (966, 1296)
    assert most_scored(start, 300, photo, in_windows=False) == 200
    few = most_scored(start, 300, photo, in_windows=True)
    assert 8 <= few < 40 <= most_scored(start, 3000, photo, in_windows=True) <= 200
    assert most_scored(start, 0, photo, in_windows=True) == 200  # a sweep without a limit


def test_a_slower_network_has_shorter_epochs() -> None:
    quick, slow = (
        fitted(TrainConfig("x", encoder=encoder), 600, 10_000, 20)
        for encoder in ("timm-tf_efficientnet_lite0", "resnet34")
    )
    assert 0 < slow.images_per_epoch < quick.images_per_epoch


def test_a_sweep_without_minutes_leaves_its_trainings_as_they_are() -> None:
    assert pace(0, 4).trial == 0 and pace(8, 4).trial == 120
