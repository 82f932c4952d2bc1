import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import accuracy_score, f1_score, jaccard_score, precision_score, recall_score

from core.evaluation import metrics
from core.task import IGNORE, Task
from tests.builders import THREE

BATCHES = st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 9)).flatmap(
    lambda shape: st.tuples(arrays(np.bool_, shape), arrays(np.bool_, shape))
)


@given(BATCHES)
@settings(max_examples=150, deadline=None)
def test_every_score_agrees_with_scikit_learn(pair: tuple[np.ndarray, np.ndarray]) -> None:
    predicted, truth = pair
    counts = metrics.count(torch.from_numpy(predicted), torch.from_numpy(truth))
    for i in range(len(truth)):
        t, p = truth[i].ravel(), predicted[i].ravel()
        empty = not t.any() and not p.any()
        assert counts.dice()[i].item() == pytest.approx(1.0 if empty else f1_score(t, p, zero_division=0))
        assert counts.iou()[i].item() == pytest.approx(1.0 if empty else jaccard_score(t, p, zero_division=0))
        assert counts.pixel_accuracy()[i].item() == pytest.approx(accuracy_score(t, p))
        if p.any():
            assert counts.precision()[i].item() == pytest.approx(precision_score(t, p))
        if t.any():
            assert counts.recall()[i].item() == pytest.approx(recall_score(t, p))


@given(BATCHES)
@settings(max_examples=80, deadline=None)
def test_summary_over_all_pixels_is_that_of_one_flattened_image(pair: tuple[np.ndarray, np.ndarray]) -> None:
    predicted, truth = pair
    scores = metrics.summarise(metrics.count(torch.from_numpy(predicted), torch.from_numpy(truth)), Task())
    t, p = truth.ravel(), predicted.ravel()
    foreground = 1.0 if not (t.any() or p.any()) else jaccard_score(t, p, zero_division=0)
    background = 1.0 if t.all() and p.all() else jaccard_score(~t, ~p, zero_division=0)
    assert scores.iou_pooled == pytest.approx(foreground)
    assert scores.miou == pytest.approx((foreground + background) / 2)
    assert scores.images == len(truth)


@given(BATCHES, st.data())
@settings(max_examples=60, deadline=None)
def test_batching_changes_nothing(pair: tuple[np.ndarray, np.ndarray], data: st.DataObject) -> None:
    predicted, truth = (torch.from_numpy(a) for a in pair)
    cut = data.draw(st.integers(0, len(truth)))
    parts = [
        metrics.count(predicted[s], truth[s]) for s in (slice(None, cut), slice(cut, None)) if len(truth[s])
    ]
    assert metrics.summarise(metrics.join(parts), Task()) == metrics.summarise(
        metrics.count(predicted, truth), Task()
    )


def test_empty_against_empty_is_one() -> None:
    nothing = torch.zeros(2, 1, 4, 4, dtype=torch.bool)
    scores = metrics.summarise(metrics.count(nothing, nothing), Task())
    assert (scores.dice_pooled, scores.iou_pooled, scores.precision, scores.recall, scores.dice_mean) == (
        1,
        1,
        1,
        1,
        1,
    )


def test_a_false_alarm_on_an_empty_mask_scores_zero() -> None:
    truth = torch.zeros(1, 4, 4)
    counts = metrics.count(torch.ones(1, 4, 4), truth)
    assert (
        counts.dice().item()
        == counts.iou().item()
        == counts.precision().item()
        == counts.recall().item()
        == 0
    )


def test_counts_of_many_large_images_do_not_overflow() -> None:
    big = metrics.Counts(*(torch.full((1000,), 60_000_000) for _ in range(4)))
    assert big.total().dice().item() == pytest.approx(0.5)


def test_a_photo_of_25_megapixels_is_counted_exactly_on_one_thread() -> None:
    truth = torch.ones(1, 5000, 5000, dtype=torch.uint8)
    predicted = truth.clone()
    predicted[:, :500] = 0
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        counts = metrics.count_labels(predicted, truth, THREE)
    finally:
        torch.set_num_threads(threads)
    assert counts.tp[0].tolist() == [0, 22_500_000, 0]
    assert counts.fp[0].tolist() == [2_500_000, 0, 0]
    assert counts.fn[0].tolist() == [0, 2_500_000, 0]
    assert counts.tn[0].tolist() == [22_500_000, 0, 25_000_000]
    assert metrics.summarise(counts, THREE).pixel_accuracy == 0.9


def test_counts_of_no_image_are_empty() -> None:
    nothing = torch.zeros(0, 4, 4, dtype=torch.uint8)
    assert metrics.count_labels(nothing, nothing, THREE).tp.shape == (0, 3)


def test_counts_of_classes_are_those_counted_one_by_one() -> None:
    rng = np.random.default_rng(0)
    truth = torch.from_numpy(rng.choice([0, 1, 2, IGNORE], (3, 9, 7)).astype(np.uint8))
    predicted = torch.from_numpy(rng.integers(0, 3, (3, 9, 7)).astype(np.uint8))
    counts = metrics.count_labels(predicted, truth, THREE)
    for label in range(3):
        single = metrics.count(predicted == label, truth == label, truth != IGNORE)
        for name in ("tp", "fp", "fn", "tn"):
            assert torch.equal(getattr(counts, name)[:, label], getattr(single, name)[:, 0])
