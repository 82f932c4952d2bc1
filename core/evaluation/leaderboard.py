"""Every model of the library on one data set, best first, and those without a score last."""

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
    """One row. `dice` is the mean over images with its interval, `milliseconds` that of one forward pass on
    `device`; all are None where the model has not been scored on this data."""

    entry: Entry
    candidate: Candidate
    dice: Interval | None = None
    iou: float | None = None
    pixel_accuracy: float | None = None
    milliseconds: float | None = None
    device: str = ""


def standings(entries: list[Entry], data: DataFolder, split: str) -> list[Standing]:
    """The models that can be scored on this data: the scored ones by mean Dice, then the others."""
    found = []
    for entry in entries:
        if not _fits(entry, data):
            continue
        candidate = of_entry(entry)
        scored = already(candidate, data, split)
        found.append(standing(entry, candidate, scored) if scored else Standing(entry, candidate))
    return sorted(found, key=lambda s: -s.dice.mean if s.dice else 1.0)


def standing(entry: Entry, candidate: Candidate, scored: Evaluation) -> Standing:
    figures = pooled_intervals(scored.counts_at(candidate.card.threshold), scored.task)
    return Standing(
        entry,
        candidate,
        figures["dice_mean"],
        figures["iou_mean"].mean,
        figures["pixel_accuracy"].mean,
        scored.milliseconds,
        scored.device,
    )


def _fits(entry: Entry, data: DataFolder) -> bool:
    """Whether the masks can be read as this model's task, with the same classes."""
    task = entry.card.task
    try:
        read = for_model(data, task)
    except UserError:
        return False
    return task.kind == "binary" or read.encoding.task.classes == data.encoding.task.classes
