"""What a training says while it runs. The command line prints events, the worker appends them to
`events.jsonl`, the page draws them."""

import dataclasses
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Event:
    kind: ClassVar[str] = ""


@dataclass(frozen=True, slots=True)
class Note(Event):
    """A sentence for the log: what is being done, or what is odd."""

    kind: ClassVar[str] = "note"
    text: str
    level: str = "info"  # or "warning"


@dataclass(frozen=True, slots=True)
class Started(Event):
    """Everything is ready and the first step follows."""

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


@dataclass(frozen=True, slots=True)
class Step(Event):
    """One optimizer step. Scores are of that batch, counted over its pixels, in 0..1."""

    kind: ClassVar[str] = "step"
    epoch: int
    step: int
    loss: float
    dice: float
    iou: float
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
    dice: float
    dice_mean: float
    iou: float
    miou: float
    pixel_accuracy: float
    precision: float
    recall: float
    seconds: float
    is_best: bool
    class_dice: list[float] = field(default_factory=list)
    class_iou: list[float] = field(default_factory=list)


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
    best_dice: float
    seconds: float


@dataclass(frozen=True, slots=True)
class RatePoint(Event):
    """One step of a learning-rate sweep: the loss at this rate, and its running mean."""

    kind: ClassVar[str] = "rate_point"
    step: int
    steps: int
    rate: float
    loss: float
    smooth: float


@dataclass(frozen=True, slots=True)
class RateFound(Event):
    """The sweep's proposal; 0 where the loss never fell."""

    kind: ClassVar[str] = "rate_found"
    rate: float


KINDS: dict[str, type[Event]] = {
    e.kind: e for e in (Note, Started, Step, EpochEnd, Preview, Finished, RatePoint, RateFound)
}


def to_line(event: Event) -> str:
    """One JSON object, without a line break."""
    return json.dumps({"event": event.kind, **dataclasses.asdict(event)}, ensure_ascii=False)


def from_lines(lines: Iterable[str]) -> Iterator[Event]:
    """The events in these lines. A torn or foreign line is passed over: a killed writer leaves one."""
    for line in lines:
        try:
            values: dict[str, Any] = json.loads(line)
            yield KINDS[values.pop("event")](**values)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
