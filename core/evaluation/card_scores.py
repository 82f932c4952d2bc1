"""The scores on a model's card: those of its own validation images, as Compare and `evaluate` find them.

A training scores plain masks at its own size after every epoch. What the library, the pages and the card say
of the finished model is scored at each photo's own size, with edges as users get them, so that a model has
one figure everywhere.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.data.dataset import DataFolder
from core.errors import UserError
from core.evaluation.candidates import Candidate
from core.evaluation.statistics import pooled_intervals
from core.models.card import ModelCard, read_card, write_card
from core.runs.run_folder import DATA_FILE, Run
from core.runs.status import LIVE
from core.system.formatting import plural
from core.system.score_names import LABELS
from core.system.workspace import read_json

if TYPE_CHECKING:
    from core.evaluation.cache import Evaluation


def with_evaluation(card: ModelCard, found: "Evaluation") -> ModelCard:
    """The card with the scores of an evaluation on validation images, at the evaluation's own threshold."""
    from core.evaluation import metrics

    counts = found.counts_at(found.threshold)
    scores = metrics.summarise(counts, found.task)
    intervals = pooled_intervals(counts, found.task)
    return replace(
        card,
        scores={key: float(getattr(scores, key)) for key in LABELS},
        intervals={key: ends for key in LABELS if key in intervals and (ends := intervals[key].ends)},
        scored_on=_where(found),
    )


def keep_scores(candidate: Candidate, data: DataFolder, found: "Evaluation") -> None:
    """Write the scores of an evaluation on all validation images to the card of the model that was scored, if
    it was trained here on this data set. The card stays as it is where that cannot be done."""
    if candidate.folder is None:
        return
    try:
        card = read_card(candidate.folder)
        if not _is_as_used(candidate, card) or not _is_fair(Run(candidate.folder.parent), card, data):
            return
        fresh = with_evaluation(card, found)
        if repr((fresh.scores, fresh.scored_on)) != repr((card.scores, card.scored_on)):  # NaN is not itself
            write_card(candidate.folder, fresh)
    except (UserError, OSError):
        return


def _where(found: "Evaluation") -> str:
    edges = ", with refined edges" if found.refined else ""
    return f"{plural(len(found.table), 'validation image')}, each at its own size{edges}."


def _is_as_used(candidate: Candidate, card: ModelCard) -> bool:
    """Whether the model was scored as its card says that it is used."""
    scored = candidate.card
    return (scored.threshold, scored.long_side, candidate.refine) == (
        card.threshold, card.long_side, card.refine_edges,
    )  # fmt: skip


def _is_fair(run: Run, card: ModelCard, data: DataFolder) -> bool:
    """Whether this is the finished model of a run on this data set, which has not learnt from the images that
    are for validation now: after a re-split it may have."""
    trained_on = str(card.settings.get("data") or "")
    if not trained_on or Path(trained_on).resolve() != data.root.resolve():
        return False
    if run.status().state in LIVE:  # its worker alone writes there
        return False
    learnt = read_json(run.folder / DATA_FILE).get("split", {}).get("train", [])
    return not set(learnt) & set(data.split.validation)
