"""Scoring a model on photos at their own size, image by image."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from core import metrics
from core.data.dataset import Pair, Problem
from core.data.masks import MaskRule, resize_mask
from core.data.store import read_pair
from core.errors import UserError
from core.inference import Predictor
from core.metrics import Counts


@dataclass(frozen=True, slots=True)
class Scored:
    """One image's counts, with what they were counted on.

    photo uint8 (h, w, 3), mask uint8 0/1 (h, w), probability float32 (h, w).
    """

    name: str
    counts: Counts
    photo: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    probability: NDArray[np.float32]


def score_images(
    predictor: Predictor,
    pairs: Sequence[Pair],
    rule: MaskRule,
    threshold: float,
    long_side: int | None = None,
) -> Iterator[Scored | Problem]:
    """Predict each pair and count. A pair that cannot be used comes out as a Problem.

    A mask of another resolution than its photo is brought to the photo's.
    """
    for pair in pairs:
        try:
            photo, stored = read_pair(pair, rule)
        except UserError as error:
            yield Problem(pair.name, str(error))
            continue
        mask = resize_mask(stored, photo.shape[:2])
        probability = predictor(photo, long_side)
        inside = torch.from_numpy(probability >= threshold)
        yield Scored(
            pair.name, metrics.count(inside[None], torch.from_numpy(mask)[None]), photo, mask, probability
        )
