"""How long the trainings of a search are, so that all of it takes the minutes that there are."""

from dataclasses import dataclass, replace

from core.config import TrainConfig
from core.training import estimate
from core.training.estimate import FORWARD

FOR_TRIALS = 0.7  # of the time; what is left trains the winner, and the first settings as long
FULL_LENGTH = 1 / 12  # of the time: a trial that goes on to its end
OVERRUN = (
    1.5  # times its length after which a trial is stopped: an estimate was wrong, or the machine is busy
)
STARTING = 20.0  # seconds more: until its process has loaded its libraries on a busy machine
LEAST_EPOCHS = 6  # so that the first check, after a sixth of a trial, has a model to score
IMAGES_PER_SECOND = 10.0  # at 256x192, as long as nothing was measured on this machine
LARGEST_SHARE_OF_VALIDATION = 0.25  # of an epoch's time, where epochs are cut short


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: of all trials together, of one that goes on to its end, and of each final training. 0 for one
    trial means that its epochs are not changed."""

    trials: float
    trial: float
    final: float


def pace(minutes: float, combinations: int = 0) -> Pace:
    """How a search, or a sweep of so many combinations, spends its time. A sweep of 0 minutes takes as long
    as its trainings do."""
    seconds = minutes * 60
    if combinations:
        return Pace(seconds or float("inf"), seconds / combinations, 0.0)
    return Pace(seconds * FOR_TRIALS, seconds * FULL_LENGTH, seconds * (1 - FOR_TRIALS) / 2)


def fitted(config: TrainConfig, seconds: float, training: int, validation: int) -> TrainConfig:
    """The settings with as many epochs as take so long here, the start of the process included.

    Where that would be fewer than LEAST_EPOCHS, an epoch has fewer of the images. `training` and `validation`
    count those of the data set.
    """
    trained = min(training, config.images_per_epoch or training)
    validated = min(validation, config.validation_images or validation)
    loading, an_image = _cost(config, training, validation)
    images = max(0.0, seconds - loading) / an_image  # that may be trained on, with validation in these units
    epochs = int((images - FORWARD * validated) / (trained + FORWARD * validated))  # before the first, too
    if epochs >= LEAST_EPOCHS:
        return replace(config, epochs=min(epochs, 10_000))
    most = LARGEST_SHARE_OF_VALIDATION * images / FORWARD / (LEAST_EPOCHS + 1)
    validated = min(validated, max(2, int(most)))
    trained = int((images - FORWARD * validated) / LEAST_EPOCHS - FORWARD * validated)
    trained = min(training, max(config.batch_size or 1, trained))
    return replace(config, epochs=LEAST_EPOCHS, images_per_epoch=trained, validation_images=validated)


def _cost(config: TrainConfig, training: int, validation: int) -> tuple[float, float]:
    """Seconds of loading, and of each image that is trained on."""
    one, two = (estimate.seconds(replace(config, epochs=epochs), training, validation) for epochs in (1, 2))
    if one is None or two is None or two <= one:
        area = config.height * config.width / (256 * 192)
        return estimate.LOADING, area / IMAGES_PER_SECOND
    trained = min(training, config.images_per_epoch or training)
    validated = FORWARD * min(validation, config.validation_images or validation)
    an_image = (two - one) / (trained + validated)
    return max(0.0, 2 * one - two - an_image * validated), an_image
