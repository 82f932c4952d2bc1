"""How long the trainings of a search are, so that all of it takes the minutes that there are."""

from dataclasses import dataclass, replace

from core.config import TrainConfig
from core.training import estimate
from core.training.estimate import FORWARD

FOR_TRIALS = 0.7  # of the time; what is left trains the winner, and the first settings as long
FULL_LENGTH = 1 / 12  # of the time: a trial that runs to its end
OVERRUN = (
    1.5  # times its length after which a trial is stopped: an estimate was wrong, or the machine is busy
)
STARTING = 20.0  # seconds more: until its process has loaded its libraries on a busy machine
PARTS = 12  # an epoch is no longer than such a part of a training, so that every check has a model to score
LEAST_VALIDATION = 8  # images; otherwise at most half the time of such a part


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: of all trials together, of one that runs to its end, and of each final training. 0 for one
    trial means that its epochs are not changed."""

    trials: float
    trial: float
    final: float


def pace(minutes: float, combinations: int = 0) -> Pace:
    """How a search, or a sweep of this many combinations, spends its time. A sweep of 0 minutes takes as long
    as its trainings do."""
    seconds = minutes * 60
    if combinations:
        return Pace(seconds or float("inf"), seconds / combinations, 0.0)
    return Pace(seconds * FOR_TRIALS, seconds * FULL_LENGTH, seconds * (1 - FOR_TRIALS) / 2)


def fitted(config: TrainConfig, seconds: float, training: int, validation: int) -> TrainConfig:
    """The settings with this time as their limit, the start of the process included, and epochs that are
    short enough for it. `training` and `validation` count the images of the data set."""
    training = min(training, config.training_images or training)
    a_part = _rate(config, training, validation) * seconds / PARTS  # in images that are trained on
    drawn = max(config.batch_size, 1, int(a_part))
    trained = min(training, config.images_per_epoch or training)
    scored = max(LEAST_VALIDATION, int(a_part / 2 / FORWARD))
    validated = min(validation, config.validation_images or validation)
    return replace(
        config,
        minutes=seconds / 60,
        images_per_epoch=drawn if drawn < trained else config.images_per_epoch,
        validation_images=scored if scored < validated else config.validation_images,
    )


def _rate(config: TrainConfig, training: int, validation: int) -> float:
    """Images a second that are trained on here, without validation."""
    one, two = (
        estimate.seconds(replace(config, minutes=0.0, epochs=epochs), training, validation)
        for epochs in (1, 2)
    )
    if one is None or two is None or two <= one:
        return estimate.UNMEASURED * 256 * 192 / (config.height * config.width)
    validated = min(validation, config.validation_images or validation)
    return (min(training, config.images_per_epoch or training) + FORWARD * validated) / (two - one)
