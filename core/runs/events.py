"""The events of a training. The command line prints them, the worker appends them to `events.jsonl`, and the
page draws them."""

import dataclasses
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal


@dataclass(frozen=True, slots=True)
class Event:
    kind: ClassVar[str] = ""


@dataclass(frozen=True, slots=True)
class Note(Event):
    """A message for the log: what is being done, or a warning."""

    kind: ClassVar[str] = "note"
    text: str
    level: Literal["info", "warning"] = "info"


@dataclass(frozen=True, slots=True)
class Started(Event):
    """The set-up is complete and the first step follows. `patches` an epoch, and `windows` in all validation
    images, are 0 where whole photos are trained on."""

    kind: ClassVar[str] = "started"
    train_images: int
    validation_images: int
    steps_per_epoch: int
    epochs: int
    device: str
    precision: str
    weights: str
    parameters: int
    preview_names: list[str] = field(default_factory=list)
    task: dict[str, Any] = field(default_factory=dict)
    patches: int = 0
    windows: int = 0
    is_timed: bool = False  # the time decides how many epochs there are; `epochs` is what was set


@dataclass(frozen=True, slots=True)
class Step(Event):
    """One optimiser step. Scores are of that batch, `…_mean` over its images, in 0..1."""

    kind: ClassVar[str] = "step"
    epoch: int
    step: int
    loss: float
    dice_mean: float
    iou_mean: float
    pixel_accuracy: float
    learning_rate: float
    images_per_second: float
    seconds: float
    seconds_left: float


@dataclass(frozen=True, slots=True)
class EpochEnd(Event):
    """Scores on the validation images, each a fraction in 0..1. Epoch 0 is the untrained model."""

    kind: ClassVar[str] = "epoch"
    epoch: int
    train_loss: float | None
    validation_loss: float
    dice_pooled: float
    dice_mean: float
    iou_pooled: float
    miou: float
    pixel_accuracy: float
    precision: float
    recall: float
    seconds: float
    is_best: bool
    class_dice: list[float] = field(default_factory=list)
    class_iou: list[float] = field(default_factory=list)
    iou_mean: float = float("nan")  # not in runs from before the mean over images decided


@dataclass(frozen=True, slots=True)
class Preview(Event):
    """Predictions of the same validation images, saved as files under the run's folder."""

    kind: ClassVar[str] = "preview"
    epoch: int
    files: list[str]


@dataclass(frozen=True, slots=True)
class Finished(Event):
    """The training has ended: `reason` is "done" or "stopped"."""

    kind: ClassVar[str] = "finished"
    reason: str
    best_epoch: int
    best_dice_mean: float
    seconds: float


@dataclass(frozen=True, slots=True)
class RatePoint(Event):
    """One step of the learning-rate finder: the loss at this rate, and its moving average."""

    kind: ClassVar[str] = "rate_point"
    step: int
    steps: int
    rate: float
    loss: float
    smooth: float


@dataclass(frozen=True, slots=True)
class RateFound(Event):
    """The rate that the learning-rate finder suggests; 0 where the loss never fell."""

    kind: ClassVar[str] = "rate_found"
    rate: float


KINDS: dict[str, type[Event]] = {
    e.kind: e for e in (Note, Started, Step, EpochEnd, Preview, Finished, RatePoint, RateFound)
}


# Names in files of older runs, whose steps have pooled scores.
_RENAMED: dict[type[Event], dict[str, str]] = {
    Step: {"dice": "dice_mean", "iou": "iou_mean"},
    EpochEnd: {"dice": "dice_pooled", "iou": "iou_pooled"},
    Finished: {"best_dice": "best_dice_mean"},
}


def to_line(event: Event) -> str:
    """One JSON object, without a line break."""
    return json.dumps({"event": event.kind, **dataclasses.asdict(event)}, ensure_ascii=False)


def from_lines(lines: Iterable[str]) -> Iterator[Event]:
    """The events in these lines. Incomplete or foreign lines are skipped: a killed writer leaves one."""
    for line in lines:
        try:
            values: dict[str, Any] = json.loads(line)
            kind = KINDS[values.pop("event")]
            renamed = _RENAMED.get(kind, {})
            yield kind(**{renamed.get(key, key): value for key, value in values.items()})
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
