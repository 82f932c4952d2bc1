"""Images whose ground truth may be wrong: where a good model is sure of the opposite.

The idea is that of Lad and Mueller (2023), https://arxiv.org/abs/2307.05080: what a model is sure of is held
against the given label, image by image. Here the share of the subject counts on which they contradict.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.evaluation.thresholds import GRID, counts_at, step_of

SURE = 0.9  # a probability of at least this, or at most 1 - this
SUSPECT = 0.5  # of the subject; less is an outline that was drawn with another care
GOOD_DICE = 0.8  # the median from which a model may doubt the ground truth


def contradicted(histograms: NDArray[np.uint32]) -> NDArray[np.float64]:
    """The share of each image's subject on which a sure model contradicts the ground truth: (images,), 0..1.

    `histograms`: (images, 2, bins), see core.evaluation.thresholds. The subject is every pixel that the
    ground truth or the model calls foreground; 0 where there is none.
    """
    high = counts_at(histograms, step_of(SURE))
    low = counts_at(histograms, step_of(float(GRID[-1]) - SURE))
    half = counts_at(histograms, step_of(0.5))
    against = (high.fp + low.fn)[:, 0].numpy().astype(np.float64)
    subject = (half.tp + half.fp + half.fn)[:, 0].numpy()
    return np.asarray(against / np.maximum(subject, 1), np.float64).clip(0, 1)


def suspects(judged: pd.DataFrame) -> NDArray[np.bool_]:
    """Which images to look at, bool (images,): none where the model is not good on most of them.

    `judged` has the columns "dice" and "contradicted"; the latter only where there is one foreground.
    """
    if "contradicted" not in judged or judged["dice"].median() < GOOD_DICE:
        return np.zeros(len(judged), np.bool_)
    return np.asarray(judged["contradicted"] >= SUSPECT, np.bool_)
