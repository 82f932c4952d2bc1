"""Scoring a model on photos at their own size, image by image."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from core import metrics
from core.data.classes import Rule
from core.data.pairing import Pair, Problem
from core.data.store import read_pair
from core.errors import UserError
from core.inference import Predictor
from core.metrics import Counts


@dataclass(frozen=True, slots=True)
class Scored:
    """One image's counts, with what they were counted on.

    photo uint8 (h, w, 3), truth and predicted labels uint8 (h, w), probability of the foreground
    float32 (h, w) where the task is binary. `confusion` int64 (classes, classes), where a pixel has
    one class.
    """

    name: str
    counts: Counts
    photo: NDArray[np.uint8]
    truth: NDArray[np.uint8]
    predicted: NDArray[np.uint8]
    probability: NDArray[np.float32] | None = None
    confusion: torch.Tensor | None = None


def score_images(
    predictor: Predictor,
    pairs: Sequence[Pair],
    rule: Rule,
    threshold: float,
    long_side: int | None = None,
) -> Iterator[Scored | Problem]:
    """Predict each pair and count. A pair that cannot be used comes out as a Problem.

    `rule` reads the masks as the model was taught to (`core.data.dataset.for_model`). A mask of
    another resolution than its photo is brought to the photo's.
    """
    task = predictor.card.task
    for pair in pairs:
        try:
            photo, stored = read_pair(pair, rule)
        except UserError as error:
            yield Problem(pair.name, str(error))
            continue
        truth = rule.resize(stored, (photo.shape[0], photo.shape[1]))
        if task.kind == "binary":
            probability = predictor(photo, long_side)
            predicted = (probability >= threshold).astype(np.uint8)
        else:
            probability, predicted = None, predictor.labels(photo, long_side, threshold)
        both = torch.from_numpy(predicted)[None], torch.from_numpy(truth)[None]
        yield Scored(
            pair.name,
            metrics.count_labels(*both, task),
            photo,
            truth,
            predicted,
            probability,
            metrics.confusion(*both, task.outputs) if task.kind == "multiclass" else None,
        )
