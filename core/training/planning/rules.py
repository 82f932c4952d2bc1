"""The rules: from what the data are like, the machine's speed and the time, to settings with reasons.

Each rule looks at the facts and at what earlier rules chose, and proposes some settings with one sentence of
reason. What somebody has set is left as it is, and later rules go by that.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.config import DEFAULT_ENCODER, DPT_ENCODER, SIZE_STEP, SMALLEST_SIDES, TrainConfig
from core.models.encoder_catalogue import short_name
from core.system.formatting import percent, plural
from core.training.estimate import FORWARD, Speed
from core.training.planning.detail import Size, sizes_of_shape
from core.training.planning.fingerprint import Fingerprint

STEPS_SHARE = 0.8  # of the time after loading; the rest goes to validation, saving and previews
VALIDATION_SHARE = 0.15  # of an epoch's time
EPOCHS = 15  # at least so many parts of the time, so that the best model is chosen from several
# Dice that a training falls short of what it could reach, times the photos that it has seen: of 232 photos of
# people, 0.05 after 450 and 0.01 after 2,000 (benchmarks/time_to_quality.py).
LACK = 22.0
# A network errs along edges by some pixels of its input: about so many times what the masks themselves lose.
EDGES = 3.0
WANTED_STEPS = 400  # of the optimiser; small batches take more of them in the same time
BATCHES = (4, 8, 16, 32)
USUAL_BATCH, USUAL_RATE = 8, 1e-3
RARE = 0.01  # share of the pixels below which a class is rare


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

    def seen(self, size: Size) -> float:
        """Photos that the time suffices for at a size, each counted as often as it comes."""
        return max(1.0, self.rate(size) * self.seconds_for_steps)

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
    """The size of the highest expected Dice: what masks keep at it, less what a training is short of with the
    photos that it can see in the time."""
    data = facts.data
    least = SMALLEST_SIDES.get(facts.setting("architecture"), SIZE_STEP)
    sizes = sizes_of_shape(data.height, data.width, least)
    best = min(sizes, key=lambda size: EDGES * (1 - data.kept_at(*size)) + LACK / facts.seen(size))
    kept, seen = data.kept_at(*best), facts.seen(best)
    reason = (
        f"{best[0]}x{best[1]}, in the shape of the photos ({data.height}x{data.width}): the masks keep "
        f"{kept:.2f} of their Dice, and the time suffices for {round(seen):,} photos"
    )
    if best != sizes[-1]:
        reason += f"; at {sizes[-1][0]}x{sizes[-1][1]} it would be {round(facts.seen(sizes[-1])):,}"
    return Proposal("Size", {"height": best[0], "width": best[1]}, f"{reason}.")


def batch(facts: Facts) -> Proposal:
    seen = facts.seen(facts.size)
    fitting = [b for b in BATCHES if seen / b >= WANTED_STEPS]
    chosen = min(max(fitting, default=BATCHES[0]), _power_of_two_below(facts.data.training))
    steps = max(1, round(seen / chosen))
    return Proposal(
        "Batch", {"batch_size": chosen},
        f"{plural(chosen, 'photo')} a step, which makes about {plural(steps, 'step')} in the time; "
        f"{WANTED_STEPS} are wanted.",
    )  # fmt: skip


def loss(facts: Facts) -> Proposal:
    data = facts.data
    share = f"foreground covers {percent(data.foreground)} of the pixels"
    return Proposal("Loss", {"loss": "bce+dice"}, f"Cross entropy + Dice: {share}, and Dice counts it alone.")


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
    return Proposal("Class weights", {"class_weights": "none"}, "None: no class is rare beside the others.")


def augmentation(facts: Facts) -> Proposal:
    passes = facts.seen(facts.size) / max(1, facts.data.training)
    kind = "light" if passes < FEW_PASSES else "standard"
    return Proposal(
        "Augmentation", {"augmentation": kind},
        f"{kind.capitalize()}: each photo is seen about {max(1, round(passes))} times.",
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


def time(facts: Facts) -> Proposal:
    """How the time is spent: the epochs are an estimate, the clock decides."""
    data, rate = facts.data, facts.rate(facts.size)
    an_epoch = max(1, round(rate * facts.seconds_for_steps / EPOCHS))
    drawn = 0 if an_epoch >= data.training else max(an_epoch, facts.setting("batch_size"))
    each = drawn or data.training
    epochs = max(1, min(10_000, round(facts.seen(facts.size) / each)))
    most = max(8, round(VALIDATION_SHARE * max(each, an_epoch) / FORWARD))
    validated = 0 if data.validation <= most else most
    photos = f"{plural(each, 'photo')} each" if drawn else f"all {plural(each, 'photo')}"
    checked = f"{validated} of {data.validation}" if validated else "all"
    settings = {
        "minutes": facts.minutes,
        "epochs": epochs,
        "images_per_epoch": drawn,
        "validation_images": validated,
    }
    return Proposal(
        "Time", settings,
        f"{facts.minutes:g} minutes, about {plural(epochs, 'epoch')} of {photos} at {rate:.1f} photos a "
        f"second; {checked} of the validation photos are scored in between.",
    )  # fmt: skip


RULES: tuple[Rule, ...] = (
    encoder, size, batch, loss, class_weights, augmentation, flips, learning_rate, time,
)  # fmt: skip


def _power_of_two_below(count: int) -> int:
    return 1 << max(0, max(1, count).bit_length() - 1)
