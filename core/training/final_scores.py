"""The scores of the finished model: on all validation photos at their own size, with edges as users get them.

They are what Compare and `evaluate` give, and are kept for them.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.data.dataset import open_data
from core.errors import UserError
from core.evaluation.cache import Evaluation, evaluate
from core.evaluation.candidates import of_folder
from core.evaluation.card_scores import with_evaluation
from core.models.card import read_card, write_card
from core.system.score_names import named_score

JUDGED = 3  # photos, after which the time for all of them is known well enough


@dataclass(frozen=True, slots=True)
class Patience:
    """How long scoring may take, in seconds from `begun`, and what ends it before."""

    seconds: float
    should_stop: Callable[[], bool]
    begun: float

    def ends(self, done: int, total: int) -> bool:
        """Whether to give up after `done` photos: now, or because the others would take too long."""
        used = time.monotonic() - self.begun
        needed = used * total / done if done >= JUDGED else used
        return self.should_stop() or max(used, needed) > self.seconds


def score_model(
    folder: Path, data: Path, device: str, seconds: float, should_stop: Callable[[], bool]
) -> str:
    """Write these scores to the card of the model in `folder`; returns a sentence about them, "" where the
    time does not suffice: then the card has those at the training size until the model is evaluated."""
    patience = Patience(seconds, should_stop, time.monotonic())
    try:
        opened = open_data(data)
        total = len(opened.pairs_of("validation"))
        for step in evaluate(of_folder(folder, device), opened):
            if isinstance(step, Evaluation):
                card = with_evaluation(read_card(folder), step)
                write_card(folder, card)
                return f"The best model: {named_score(card.scores)}, on {card.scored_on}"
            if patience.ends(step, total):
                break
    except UserError:  # such as a full disk: nothing of the training is lost
        pass
    return ""
