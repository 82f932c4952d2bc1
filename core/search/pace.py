"""How long the trainings of a search are, so that all of it takes the minutes that there are."""

from dataclasses import dataclass, replace

from core.config import TrainConfig
from core.models.window import OVERLAP, Window
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
LEAST_IN_WINDOWS = 4  # the same of photos that are predicted in windows, which takes longer
MOST_SCORED = 200  # validation photos, to score a trial by: more would take time from training
SCORING_SHARE = 0.2  # of a trial's time: what scoring it once may take, if it predicts in windows


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


def fitted(
    config: TrainConfig,
    seconds: float,
    training: int,
    validation: int,
    photo: tuple[int, int] | None = None,
) -> TrainConfig:
    """The settings with this time as their limit, the start of the process included, and epochs that are
    short enough for it. `training` and `validation` count the images of the data set; `photo` is their usual
    height and width, which matters for patches alone."""
    training = min(training, config.training_images or training)
    a_part = _rate(config, training, validation) * seconds / PARTS  # in images that are trained on
    drawn = max(config.batch_size, 1, int(a_part))
    trained = estimate.epoch_of(config, training, validation, photo).trained
    window = Window.of(config)
    windows = window.count(*photo) if window and photo else 1
    least = LEAST_VALIDATION if windows == 1 else LEAST_IN_WINDOWS
    scored = max(least, int(a_part / 2 / FORWARD / windows))
    validated = min(validation, config.validation_images or validation)
    return replace(
        config,
        minutes=seconds / 60,
        images_per_epoch=drawn if drawn < trained else config.images_per_epoch,
        validation_images=scored if scored < validated else config.validation_images,
    )


def most_scored(config: TrainConfig, seconds: float, photo: tuple[int, int] | None, in_windows: bool) -> int:
    """How many validation photos each trial of so many seconds is scored on. `in_windows`: whether some
    trials predict in windows, which takes so long that fewer must do."""
    if not in_windows or photo is None or not seconds:
        return MOST_SCORED
    pixels = photo[0] * photo[1] / (1 - OVERLAP) ** 2  # that the network sees of a photo
    each = FORWARD * pixels / (_rate(config, 100, 0) * config.height * config.width)
    return max(LEAST_VALIDATION, min(MOST_SCORED, int(SCORING_SHARE * seconds / each)))


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
