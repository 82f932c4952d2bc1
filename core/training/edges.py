"""Whether a model's masks are better with refined edges, measured on validation photos when a training ends.

Along the edges of a person the guided filter helps; a line of two pixels it mixes with what lies beside it.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.data.classes import MaskEncoding
from core.data.pairing import Pair
from core.data.store import read_pair
from core.errors import UserError
from core.imaging.guided_filter import enlarge
from core.inference.predictor import Predictor
from core.models.card import read_card, write_card
from core.system.formatting import plural
from core.system.score_names import DICE_MEAN
from core.task import IGNORE

MOST_PHOTOS = 48
LEAST_PHOTOS = 4  # fewer say nothing, unless there are no more
CLEAR = 0.002  # of Dice, from which plain masks are taken for better


class _OutOfTime(Exception):  # noqa: N818 - no error
    pass


@dataclass(frozen=True, slots=True)
class Edges:
    """What refined edges add to Dice (mean over images) of so many photos, each at its own size."""

    gain: float
    photos: int
    asked: int

    @property
    def are_better_plain(self) -> bool:
        return self.photos >= min(LEAST_PHOTOS, self.asked) > 0 and self.gain < -CLEAR

    @property
    def sentence(self) -> str:
        return (
            f"Edges are not refined: on {plural(self.photos, 'validation photo')} plain masks have "
            f"{-self.gain:.3f} more {DICE_MEAN}."
        )


def judge_edges(predictor: Predictor, pairs: Sequence[Pair], encoding: MaskEncoding, seconds: float) -> Edges:
    """Predict validation pairs for this many seconds, and score each mask with and without refined edges."""
    chosen = [pairs[i] for i in np.linspace(0, len(pairs) - 1, min(MOST_PHOTOS, len(pairs))).astype(int)]
    gains = list(_gains(predictor, chosen, encoding, time.monotonic() + seconds))
    return Edges(float(np.mean(gains)) if gains else 0.0, len(gains), len(chosen))


def keep_plain_edges(model: Path) -> None:
    """Note on the card of a saved model that its masks are better without refined edges."""
    write_card(model, replace(read_card(model), refine_edges=False))


def _gains(
    predictor: Predictor, pairs: Sequence[Pair], encoding: MaskEncoding, end: float
) -> Iterator[float]:
    def in_time() -> None:
        if time.monotonic() > end:
            raise _OutOfTime

    checked, threshold = predictor.checking(in_time), predictor.card.threshold
    for pair in pairs:
        try:
            in_time()
            photo, labels = read_pair(pair, encoding)
            small = checked.small_map(photo)
        except UserError:
            continue
        except _OutOfTime:
            return
        truth = encoding.resize(labels, (photo.shape[0], photo.shape[1]))
        refined, plain = (_dice(enlarge(small, photo, fine) >= threshold, truth) for fine in (True, False))
        yield refined - plain


def _dice(predicted: NDArray[np.bool_], truth: NDArray[np.uint8]) -> float:
    predicted = predicted & (truth != IGNORE)
    total = np.count_nonzero(predicted) + np.count_nonzero(truth == 1)
    return 2 * np.count_nonzero(predicted & (truth == 1)) / total if total else 1.0
