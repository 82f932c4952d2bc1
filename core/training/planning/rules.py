"""The rules: from what the data are like, the machine's speed and the time, to settings with reasons.

Each rule looks at the facts and at what earlier rules chose, and proposes some settings with one sentence of
reason. What somebody has set is left as it is, and later rules go by that.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.config import DEFAULT_ENCODER, DPT_ENCODER, SIZE_STEP, SMALLEST_SIDES, TrainConfig
from core.data.store import stored_side
from core.models.card import is_model
from core.models.encoder_catalogue import short_name
from core.models.window import Window
from core.system.formatting import MANY_TIMES, dimensions, duration, percent, plural, times
from core.system.workspace import SHIPPED_MODELS
from core.training.estimate import FORWARD, Speed
from core.training.planning.detail import Size, sizes_of_shape
from core.training.planning.fingerprint import Fingerprint

STEPS_SHARE = 0.8  # of the time after loading; the rest goes to validation, saving and previews
VALIDATION_SHARE = 0.15  # of an epoch's time
LEAST_VALIDATED = 8  # photos; fewer cannot tell models apart
LEAST_IN_WINDOWS = 4  # the same of photos that are predicted in windows, which takes longer
VALIDATED_TWICE = 0.35  # of the time: most that the first and the last validation may take of it in windows
DECODING_SHARE = 0.2  # of the time: most that decoding photos may take of it
WRITTEN = 5e8  # bytes of decoded photos a second
LEAST_TRAINING = 16  # photos
LARGEST_EPOCH = 1_000_000
EPOCHS = 15  # at least this many, so that the best model is chosen from several
# Dice that a training falls short of what it could reach, times the photos that it has seen.
LACK = 20.0
# A network errs along edges by some pixels of its input: this many times what the masks themselves lose.
# Both by trainings on people (benchmarks/auto.py), Dice (mean over images) at the photos' own sizes.
# Two minutes of two cores: 0.862 at 96x128, where masks keep 0.987 and 1,580 photos were seen; 0.894 to 0.896
# at 256x320 and 256x192. Five minutes of one core: 0.922 at 192x256 with 1,945 photos, 0.930 at 256x320 with
# 1,165, and 0.917 at 320x448 with 667.
EDGES = 6.0
WANTED_STEPS = 250  # of the optimiser; small batches take more of them in the same time
BATCHES = (4, 8, 16, 32)
USUAL_BATCH, USUAL_RATE = 8, 1e-3
RARE = 0.01  # share of the pixels below which a class is rare
LOST = 0.95  # Dice that masks keep at a size that the time allows, below which patches are better
SCARCE = 0.02  # share of the foreground; patches can be centred on it
ENOUGH_PHOTOS = 1000
THIN = 1 / 8  # of a patch: thicker things are not known from a part of them
PATCHES = (256, 384, 512)
ENOUGH_PATCHES = 1500
LEAST_PATCHES = 150  # fewer teach nothing
FEW_PHOTOS = 60  # up to which a training starts from a model that ships
PERSON = "person-lite0"
THIRD, HALF = 0.33, 0.5  # of the patches on the foreground: nnU-Net's share, and more where it is rare


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules look at. `speed` is that of this machine for the default settings at 256x192; `now` are the
    settings so far, explicit ones included."""

    data: Fingerprint
    speed: Speed
    minutes: float
    now: Mapping[str, Any]

    def setting(self, name: str) -> Any:
        return self.now.get(name, getattr(TrainConfig("-"), name))

    @property
    def seconds_for_steps(self) -> float:
        return max(1.0, STEPS_SHARE * (60 * self.minutes - self.speed.loading))

    def rate(self, size: Size) -> float:
        """Photos a second that are trained on at a size: the work grows with the pixels."""
        speed = self.speed
        return speed.images_per_second * speed.height * speed.width / (size[0] * size[1])

    @property
    def seconds(self) -> float:
        return 60 * self.minutes

    @property
    def training(self) -> int:
        """Photos that are trained on."""
        return min(self.data.training, self.setting("training_images") or self.data.training)

    def windows_seconds(self, patch: Size) -> float:
        """How long it takes to predict a usual photo in windows."""
        return Window(*patch).count(self.data.height, self.data.width) * FORWARD / self.rate(patch)

    def decoding_seconds(self) -> float:
        """How long it takes to decode one photo to what is stored, on all cores. JPEGs that are stored at a
        fraction of their size are decoded at twice that."""
        data = self.data
        side = max(data.height, data.width)
        stored = side if self.is_in_patches else min(side, stored_side(*self.size))
        share = min(1.0, 2 * stored / side)
        each = data.thumbnail + (data.decoding - data.thumbnail) * share
        return each / (os.cpu_count() or 1) + 4 * data.height * data.width * (stored / side) ** 2 / WRITTEN

    def seen(self, size: Size) -> float:
        """Photos that the time suffices for at a size, each counted as often as it comes."""
        return max(1.0, self.rate(size) * self.seconds_for_steps)

    @property
    def sizes(self) -> list[Size]:
        """What whole photos can be trained at, smallest first."""
        least = SMALLEST_SIDES.get(self.setting("architecture"), SIZE_STEP)
        return sizes_of_shape(self.data.height, self.data.width, least)

    @property
    def is_in_patches(self) -> bool:
        return bool(self.setting("sampling") == "patches")

    @property
    def size(self) -> Size:
        return self.setting("height"), self.setting("width")


@dataclass(frozen=True, slots=True)
class Proposal:
    """`title` is what is decided, in a word or two, and `reason` one sentence with the figure behind it."""

    title: str
    settings: Mapping[str, Any]
    reason: str


Rule = Callable[[Facts], Proposal]


def encoder(facts: Facts) -> Proposal:
    if facts.setting("architecture") == "DPT":
        return Proposal("Encoder", {"encoder": DPT_ENCODER}, "DPT takes vision transformers alone.")
    return Proposal(
        "Encoder", {"encoder": DEFAULT_ENCODER},
        f"{short_name(DEFAULT_ENCODER)}, whose ImageNet weights are installed, is the fastest of those "
        "measured.",
    )  # fmt: skip


def size(facts: Facts) -> Proposal:
    """Whole photos at the size of the highest expected Dice; patches where even that loses thin things."""
    whole = _whole(facts)
    # Whoever sets a size means that of whole photos.
    wanted = facts.now.get("sampling") or ("whole" if {"height", "width"} & set(facts.now) else None)
    if wanted == "patches" or (wanted is None and _needs_patches(facts)):
        return _in_patches(facts)
    data = facts.data
    kept, seen, own = data.kept_at(*whole), facts.seen(whole), facts.sizes[-1]
    shape = dimensions(data.height, data.width)
    reason = (
        f"{dimensions(*whole)}, in the shape of the photos ({shape}): the masks keep "
        f"{kept:.2f} of their Dice, and the time suffices for {round(seen):,} photos"
    )
    if whole != own:
        reason += f"; at {dimensions(*own)} it would be {round(facts.seen(own)):,}"
    settings = {"sampling": "whole", "height": whole[0], "width": whole[1]}
    return Proposal("Size", settings, f"{reason}.")


def _whole(facts: Facts) -> Size:
    """The size at which a training falls the least short, by what masks lose and the photos it can see."""
    data = facts.data
    return min(facts.sizes, key=lambda s: EDGES * (1 - data.kept_at(*s)) + LACK / facts.seen(s))


def _affordable(facts: Facts) -> Size:
    """The largest size of whole photos at which the time suffices for enough of them."""
    return next((s for s in reversed(facts.sizes) if facts.seen(s) >= ENOUGH_PHOTOS), facts.sizes[0])


def _needs_patches(facts: Facts) -> bool:
    """Whether things are so thin that a part shows what they are, and either rare or lost at a size that the
    time allows."""
    data = facts.data
    is_thin = 0 < data.thickness < PATCHES[0] * THIN and max(data.height, data.width) > PATCHES[0]
    validation = 2 * min(LEAST_IN_WINDOWS, data.validation) * facts.windows_seconds((PATCHES[0], PATCHES[0]))
    is_quick = validation < VALIDATED_TWICE * facts.seconds
    is_worth_it = facts.seen((PATCHES[0], PATCHES[0])) >= LEAST_PATCHES
    return (
        is_thin
        and is_quick
        and is_worth_it
        and (data.foreground < SCARCE or data.kept_at(*_affordable(facts)) < LOST)
    )


def _in_patches(facts: Facts) -> Proposal:
    """The largest patches of which the time suffices for enough."""
    data, whole = facts.data, _affordable(facts)
    least = facts.sizes[0] if min(facts.sizes[0]) > SIZE_STEP else (SIZE_STEP, SIZE_STEP)
    sides = [
        (max(_up(min(p, data.height)), least[0]), max(_up(min(p, data.width)), least[1])) for p in PATCHES
    ]
    patch = next((s for s in reversed(sides) if facts.seen(s) >= ENOUGH_PATCHES), sides[0])
    share = HALF if data.foreground < RARE else THIRD
    return Proposal(
        "Size",
        {"sampling": "patches", "height": patch[0], "width": patch[1], "foreground_patches": share},
        f"patches of {dimensions(*patch)} at full resolution, {percent(share, 0)} of them on the foreground, "
        f"predicted window by window: foreground is {data.thickness:.0f} pixels thick and covers "
        f"{percent(data.foreground)}, and at {dimensions(*whole)}, which the time allows for whole photos, "
        f"masks keep {data.kept_at(*whole):.2f} of their Dice.",
    )  # fmt: skip


def start(facts: Facts) -> Proposal:
    """From a model that ships where there are few photos: a new decoder needs more of them. It has seen whole
    figures, not patches."""
    network = facts.setting("architecture"), facts.setting("encoder"), facts.setting("encoder_depth")
    theirs = SHIPPED_MODELS / PERSON
    fits = network == ("Unet", DEFAULT_ENCODER, 5) and facts.setting("encoder_weights") == "auto"
    photos = plural(facts.data.training, "photo")
    if facts.data.training > FEW_PHOTOS or facts.is_in_patches or not fits or not is_model(theirs):
        return Proposal("Start", {"start_from": ""}, f"from the encoder's weights alone, for {photos}.")
    return Proposal(
        "Start", {"start_from": str(theirs)},
        f"from the shipped person model, which already separates figures from backgrounds: {photos} are few "
        "to learn that from. The terms of its data, which its card names, hold for the new model too.",
    )  # fmt: skip


def batch(facts: Facts) -> Proposal:
    seen = facts.seen(facts.size)
    fitting = [b for b in BATCHES if seen / b >= WANTED_STEPS]
    chosen = min(max(fitting, default=BATCHES[0]), _power_of_two_below(facts.training))
    steps = max(1, round(seen / chosen))
    return Proposal(
        "Batch", {"batch_size": chosen},
        f"{plural(chosen, 'photo')} a step, which makes about {plural(steps, 'step')} in the time; "
        f"{WANTED_STEPS} are wanted.",
    )  # fmt: skip


def loss(facts: Facts) -> Proposal:
    data = facts.data
    reason = f"foreground covers {percent(data.foreground)} of the pixels, and Dice counts it alone"
    if data.kind != "binary":
        reason = "Dice counts every class the same, however few pixels it has"
    return Proposal("Loss", {"loss": "bce+dice"}, f"Cross entropy + Dice: {reason}.")


def class_weights(facts: Facts) -> Proposal:
    data = facts.data
    there = [share for share in data.shares if share > 0]
    rarest = min(there, default=1.0)
    if data.kind == "multiclass" and rarest < RARE:
        name = data.classes[data.shares.index(rarest)]
        return Proposal(
            "Class weights", {"class_weights": "none"},
            f"None: the rarest class, {name}, covers {percent(rarest)}, and the Dice term counts every class "
            "the same.",
        )  # fmt: skip
    reason = "no class is rare compared with the others"
    if data.kind == "binary":
        reason = "the Dice term counts the foreground alone, however rare it is"
    return Proposal("Class weights", {"class_weights": "none"}, f"None: {reason}.")


def augmentation(facts: Facts) -> Proposal:
    passes = facts.seen(facts.size) / max(1, facts.training)
    if facts.is_in_patches:
        return Proposal("Augmentation", {"augmentation": "standard"}, "Standard: patches differ each time.")
    kind = "light" if passes < FEW_PASSES else "standard"
    return Proposal(
        "Augmentation", {"augmentation": kind},
        f"{kind.capitalize()}: each photo is seen {times(passes)}.",
    )  # fmt: skip


FEW_PASSES = 6


def flips(facts: Facts) -> Proposal:
    words = {"none": "None", "horizontal": "Left and right", "both": "Left and right, and upside down",
             "turns": "All flips and quarter turns"}  # fmt: skip
    data = facts.data
    return Proposal("Flips", {"flips": data.flips}, f"{words[data.flips]}: {data.flips_evidence}.")


def learning_rate(facts: Facts) -> Proposal:
    """Grows with the root of the batch, as the noise of its gradient falls."""
    rate = float(f"{USUAL_RATE * (facts.setting('batch_size') / USUAL_BATCH) ** 0.5:.1e}")
    steps = facts.seen(facts.size) / max(1, facts.setting("batch_size"))
    decay = max(0.8, min(0.998, round(1 - 8 / max(1.0, steps), 3)))
    return Proposal(
        "Learning rate", {"learning_rate": rate, "ema_decay": decay},
        f"{rate:g}, by the batch, up and down once in the time; the model is the average of the last "
        f"{round(1 / (1 - decay))} steps (EMA decay {decay:g}).",
    )  # fmt: skip


def photos(facts: Facts) -> Proposal:
    """No more than can be decoded in a small part of the time."""
    data, each = facts.data, facts.decoding_seconds()
    most = max(LEAST_TRAINING, int(DECODING_SHARE * facts.seconds / max(each, 1e-9)))
    if "epochs" in facts.now or data.training <= most:
        return Proposal("Photos", {"training_images": 0}, f"all {data.training:,} for training.")
    return Proposal(
        "Photos", {"training_images": most},
        f"{most:,} of {data.training:,} for training, chosen at random: to decode all of them would take "
        f"{duration(data.training * each)}.",
    )  # fmt: skip


def time(facts: Facts) -> Proposal:
    """How the time is spent: the epochs are an estimate, the clock decides."""
    data, rate = facts.data, facts.rate(facts.size)
    training = facts.training
    an_epoch = max(1, round(rate * facts.seconds_for_steps / EPOCHS))
    fewer = facts.is_in_patches or an_epoch < training
    drawn = max(min(an_epoch, LARGEST_EPOCH), facts.setting("batch_size")) if fewer else 0
    each = drawn or training
    epochs = max(1, min(10_000, round(facts.seen(facts.size) / each)))
    passes = Window(*facts.size).count(data.height, data.width) if facts.is_in_patches else 1
    most = max(_least_validated(facts), round(VALIDATION_SHARE * max(each, an_epoch) / FORWARD / passes))
    validated = 0 if data.validation <= most else most
    what = ("patch", "patches") if facts.is_in_patches else ("photo",)
    drawn_words = f"{plural(each, *what)} each" if drawn else f"all {plural(each, 'photo')}"
    checked = f"{validated} of the {data.validation}" if validated else "all"
    settings = {
        "minutes": facts.minutes,
        "epochs": epochs,
        "images_per_epoch": drawn,
        "validation_images": validated,
    }
    spent = f"about {plural(epochs, 'epoch')} of {drawn_words}"
    if epochs > MANY_TIMES:
        spent = f"{drawn_words} {times(epochs)}"
    return Proposal(
        "Time", settings,
        f"{facts.minutes:g} {'minute' if facts.minutes == 1 else 'minutes'}, {spent} at {rate:.1f} a second; "
        f"{checked} validation photos are scored in between.",
    )  # fmt: skip


def _least_validated(facts: Facts) -> int:
    """Photos; fewer where each takes long, because somebody wants windows on large ones."""
    if not facts.is_in_patches:
        return LEAST_VALIDATED
    affordable = VALIDATED_TWICE * facts.seconds / 2 / facts.windows_seconds(facts.size)
    return max(1, min(LEAST_VALIDATED, int(affordable)))


RULES: tuple[Rule, ...] = (
    encoder, size, photos, start, batch, loss, class_weights, augmentation, flips, learning_rate, time,
)  # fmt: skip


def _up(side: int) -> int:
    """To the next multiple of 32."""
    return -(-side // SIZE_STEP) * SIZE_STEP


def _power_of_two_below(count: int) -> int:
    return 1 << max(0, max(1, count).bit_length() - 1)
