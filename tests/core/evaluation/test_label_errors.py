"""Masks that a good model contradicts with certainty are named, and no others."""

import numpy as np
import pandas as pd

from core.evaluation import label_errors, thresholds

SIZE = (60, 80)


def drawn(left: int) -> np.ndarray:
    mask = np.zeros(SIZE, np.uint8)
    mask[10:50, left : left + 30] = 1
    return mask


def judged(pairs: list[tuple[np.ndarray, np.ndarray]]) -> pd.DataFrame:
    """The table for pairs of mask and probability."""
    histograms = np.stack([thresholds.histogram(p.astype(np.float32), m)[0] for m, p in pairs])
    dice = thresholds.counts_at(histograms, thresholds.step_of(0.5)).dice()[:, 0].numpy()
    return pd.DataFrame({"dice": dice, "contradicted": label_errors.contradicted(histograms)})


def confident(mask: np.ndarray) -> np.ndarray:
    return np.where(mask > 0, 0.97, 0.02)


def test_a_mask_of_another_photo_is_suspect_and_a_ragged_outline_is_not() -> None:
    good = [(drawn(10 + i), confident(drawn(10 + i))) for i in range(6)]
    ragged = (drawn(12), confident(drawn(15)))
    table = judged([*good, ragged, (drawn(45), confident(drawn(5)))])
    assert label_errors.suspects(table).tolist() == [False] * 7 + [True]
    assert table["contradicted"].iloc[-1] == 1.0


def test_an_unsure_model_contradicts_nothing() -> None:
    good = [(drawn(10 + i), confident(drawn(10 + i))) for i in range(6)]
    unsure = np.where(drawn(5) > 0, 0.7, 0.3)
    assert not label_errors.suspects(judged([*good, (drawn(45), unsure)])).any()


def test_a_poor_model_does_not_doubt_the_ground_truth() -> None:
    wrong = [(drawn(45), confident(drawn(5))) for _ in range(6)]
    assert not label_errors.suspects(judged([*wrong, (drawn(5), confident(drawn(5)))])).any()


def test_several_classes_have_no_suspects() -> None:
    assert not label_errors.suspects(pd.DataFrame({"dice": [0.9, 0.1]})).any()
