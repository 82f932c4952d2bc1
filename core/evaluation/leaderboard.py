"""Every model of the library on one data set, best first, as far as they have been scored."""

from dataclasses import dataclass

from core.data.dataset import DataFolder
from core.data.reading import for_model
from core.errors import UserError
from core.evaluation.cache import Evaluation, already
from core.evaluation.candidates import Candidate, of_entry
from core.evaluation.statistics import Interval, pooled_intervals
from core.models.registry import Entry


@dataclass(frozen=True, slots=True)
class Standing:
    """One model's place. `dice` over images with its interval, `milliseconds` of one forward pass on
    `device`; None, all of them, where it has not been scored on this data."""

    entry: Entry
    candidate: Candidate
    dice: Interval | None = None
    iou: float | None = None
    pixel_accuracy: float | None = None
    milliseconds: float | None = None
    device: str = ""


def standings(entries: list[Entry], data: DataFolder, part: str) -> list[Standing]:
    """The models that can be scored on this data: those that are, best mean Dice first, then the rest."""
    found = []
    for entry in entries:
        if not _fits(entry, data):
            continue
        candidate = of_entry(entry)
        scored = already(candidate, data, part)
        found.append(standing(entry, candidate, scored) if scored else Standing(entry, candidate))
    return sorted(found, key=lambda s: -s.dice.mean if s.dice else 1.0)


def standing(entry: Entry, candidate: Candidate, scored: Evaluation) -> Standing:
    told = pooled_intervals(scored.counts_at(candidate.card.threshold), scored.task)
    return Standing(
        entry,
        candidate,
        told["dice_mean"],
        told["iou_mean"].mean,
        told["pixel_accuracy"].mean,
        scored.milliseconds,
        scored.device,
    )


def _fits(entry: Entry, data: DataFolder) -> bool:
    """Whether the masks can be read as this model's task, with classes that mean the same."""
    task = entry.card.task
    try:
        read = for_model(data, task)
    except UserError:
        return False
    return task.kind == "binary" or read.rule.task.classes == data.rule.task.classes
