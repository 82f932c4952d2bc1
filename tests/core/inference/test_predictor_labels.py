"""From logits at the network's size to labels at the photo's: exact, and in little memory."""

import tracemalloc
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from scipy.special import expit, softmax

from core.inference.predictor import Predictor
from core.task import Task
from tests.builders import untrained_card

SMALL, LARGE = (30, 40), (600, 800)


def predictor_of(task: Task) -> Predictor:
    return Predictor.of(torch.nn.Identity(), replace(untrained_card(), task=task))


def classes(count: int, kind: str = "multiclass") -> Task:
    values = tuple(range(count)) if kind == "multiclass" else ()
    return Task(kind, tuple(f"class {i}" for i in range(count)), values)


def some_logits(count: int) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 3, (count, *SMALL)).astype(np.float32)


def enlarged(maps: np.ndarray) -> np.ndarray:
    return np.stack([cv2.resize(m, LARGE[::-1], interpolation=cv2.INTER_LINEAR) for m in maps])


def test_a_pixel_has_the_class_of_the_highest_share_and_of_equals_the_first() -> None:
    logits = some_logits(40)
    logits[7] = logits[3]
    found = predictor_of(classes(40)).labels_of(logits, LARGE)
    shares = torch.from_numpy(logits).softmax(0).numpy()
    assert np.allclose(shares, softmax(logits, axis=0), atol=1e-6)
    assert np.array_equal(found, enlarged(shares).argmax(axis=0)) and not (found == 7).any()


def test_at_the_networks_own_size_nothing_is_resized() -> None:
    logits = some_logits(5)
    assert np.array_equal(predictor_of(classes(5)).labels_of(logits, SMALL), logits.argmax(axis=0))


@pytest.mark.parametrize("threshold", [0.3, 0.5])
def test_each_of_several_labels_is_judged_at_the_threshold(threshold: float) -> None:
    logits = some_logits(8)
    found = predictor_of(classes(8, "multilabel")).labels_of(logits, LARGE, threshold)
    inside = enlarged(expit(logits).astype(np.float32)) >= threshold
    assert np.mean(np.packbits(inside, axis=0, bitorder="little")[0] == found) > 0.9999


@pytest.mark.parametrize("task", [classes(40), classes(8, "multilabel")], ids=["classes", "labels"])
def test_memory_does_not_grow_with_the_number_of_classes(task: Task) -> None:
    predictor, logits = predictor_of(task), some_logits(task.outputs)
    tracemalloc.start()
    try:
        predictor.labels_of(logits, LARGE)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 15 * LARGE[0] * LARGE[1]  # bytes: three float32 maps, labels, and what is higher
