"""What a trial is judged by, and the winner at the end."""

import random
from collections.abc import Sequence
from pathlib import Path

from core.data.dataset import DataFolder, open_data
from core.evaluation.cache import Evaluation, evaluate
from core.evaluation.candidates import of_folder
from core.evaluation.comparison import compare, unique_labels
from core.evaluation.statistics import mean_interval
from core.runs.run_folder import Run
from core.search.board import Verdict
from core.system.formatting import plural
from core.system.score_names import DICE_MEAN, score


def scored_names(data: DataFolder, seed: int, most: int) -> list[str]:
    """The validation photos that every trial of a search is scored on."""
    names = list(data.split.validation)
    return sorted(random.Random(seed).sample(names, most)) if len(names) > most else names


def validation_dice(run: Run, names: Sequence[str]) -> float:
    """Dice (mean over images) of a run's best model on these validation photos, at their own size and as
    users get the masks: trials of different sizes would otherwise be scored against different masks."""
    return dice_of(run.best, Path(run.config.data), names)


def dice_of(model: Path, data: Path, names: Sequence[str]) -> float:
    """The same of a model in any folder."""
    found = _evaluated(model, data, "validation", names)
    return float(found.judged(found.threshold)["dice"].mean())


def judge(winner: Run, first: Run) -> Verdict:
    """The winner on the test set, and what it gains over the first settings."""
    data = Path(winner.config.data)
    own = _evaluated(winner.best, data, "test")
    if winner == first:
        mean = mean_interval(own.judged(own.threshold)["dice"])
        sentence = (
            f"On {plural(mean.images, 'test photo')}: {DICE_MEAN} {mean}. No other settings did better."
        )
        return Verdict(winner.id, first.id, mean.images, mean.mean, mean.ends, 0.0, None, sentence)
    other = _evaluated(first.best, data, "test")
    labels = unique_labels(["The first settings", "The winner"])
    board = compare(
        dict(zip(labels, (other, own), strict=True)),
        dict(zip(labels, (other.threshold, own.threshold), strict=True)),
    )
    mean, pair = board.means[1], board.pairs[0]
    sentence = (
        f"On {plural(mean.images, 'test photo')} the winner scores {DICE_MEAN} {mean}, and the first "
        f"settings, trained as long, {score(board.means[0].mean)}. {pair.sentence(*labels)}"
    )
    return Verdict(
        winner.id, first.id, mean.images, mean.mean, mean.ends, pair.difference.mean, pair.difference.ends,
        sentence,
    )  # fmt: skip


def _evaluated(model: Path, root: Path, split: str, names: Sequence[str] | None = None) -> Evaluation:
    *_, found = evaluate(of_folder(model), open_data(root), split, names)
    assert isinstance(found, Evaluation)
    return found
