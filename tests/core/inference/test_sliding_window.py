"""Prediction window by window: exact where it can be, without seams, and in memory that the height of the
photo does not change."""

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.evaluation.constant import Constant
from core.inference import sliding_window
from core.inference.cutout import cut_out
from core.inference.predictor import Predictor
from core.models.window import Window
from core.task import Task
from tests.builders import THREE, in_fp32, untrained_card

WINDOW = Window(64, 96)


class Mean(nn.Module):
    """The mean of each channel over 9x9 pixels: a network that sees four pixels far."""

    def forward(self, images: Tensor) -> Tensor:
        return nn.functional.avg_pool2d(images, 9, stride=1, padding=4)


class Counted(nn.Module):
    """Notes the shapes that it is given."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.seen = network, list[tuple[int, ...]]()

    def forward(self, images: Tensor) -> Tensor:
        self.seen.append(tuple(images.shape))
        answer: Tensor = self.network(images)
        return answer


def photo_of(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def predictor_of(network: nn.Module, window: Window | None, task: Task = THREE, side: int = 0) -> Predictor:
    predictor = Predictor.of(network, replace(untrained_card(), task=task, window=window, long_side=side))
    in_fp32(predictor)
    return predictor


def logits(predictor: Predictor, photo: np.ndarray, long_side: int | None = None) -> np.ndarray:
    return np.concatenate(list(predictor.logits(predictor.prepare(photo, long_side))), axis=1)


@pytest.mark.parametrize("size", [(130, 200), (64, 300), (201, 50), (7, 97)])
def test_a_constant_network_gives_a_constant_answer(size: tuple[int, int]) -> None:
    found = logits(predictor_of(Constant(THREE), WINDOW), photo_of(*size))
    assert found.shape == (3, *size)
    assert np.abs(found - found[:, :1, :1]).max() < 1e-5


def test_windows_agree_with_monai() -> None:
    from monai.inferers import sliding_window_inference  # here, because it takes seconds

    photo = photo_of(160, 240)  # where half a window is a whole number of steps
    predictor = predictor_of(Mean(), WINDOW)
    batch = predictor.card.preprocessing.normalise(torch.from_numpy(photo.transpose(2, 0, 1)[None]))
    weights = torch.from_numpy(np.outer(*WINDOW.weights))
    theirs = sliding_window_inference(batch, (64, 96), 4, Mean(), overlap=0.5, roi_weight_map=weights)
    assert np.abs(logits(predictor, photo) - theirs[0].numpy()).max() < 1e-5


def test_a_network_that_sees_four_pixels_far_answers_as_for_the_whole_photo() -> None:
    photo = photo_of(256, 288)
    whole, in_windows = (logits(predictor_of(Mean(), w, side=288), photo) for w in (None, WINDOW))
    # The outermost pixels of a window see its edge; with half of a window shared they hardly count.
    assert np.abs(whole - in_windows).max() < 0.02
    assert np.median(np.abs(whole - in_windows)) < 1e-6


@pytest.mark.parametrize("size", [(64, 96), (64, 40), (33, 96), (20, 17)])
def test_a_window_as_large_as_the_photo_changes_nothing(saved_model: Path, size: tuple[int, int]) -> None:
    plain, windowed = Predictor(saved_model, "cpu"), Predictor(saved_model, "cpu")
    windowed.card = replace(windowed.card, window=WINDOW, long_side=0)
    photo = photo_of(*size)
    side = max(64, *size)
    assert np.array_equal(windowed(photo, side), plain(photo, side))
    if side == max(size):
        assert np.array_equal(windowed(photo), plain(photo, side))


def test_every_window_has_the_size_that_was_trained_and_their_number_is_as_announced() -> None:
    network = Counted(Mean())
    predictor = predictor_of(network, WINDOW)
    predictor.labels(photo_of(200, 250))
    assert {shape[1:] for shape in network.seen} == {(3, 64, 96)}
    assert sum(shape[0] for shape in network.seen) == WINDOW.count(200, 250)


@pytest.mark.parametrize("task", [Task(), THREE, Task("multilabel", ("a", "b", "c"))])
@pytest.mark.parametrize("long_side", [None, 100])
def test_labels_probabilities_and_the_small_map_follow_from_the_same_logits(
    task: Task, long_side: int | None
) -> None:
    network = nn.Sequential(Mean(), Channels(task.outputs))
    predictor, photo = predictor_of(network, WINDOW, task), photo_of(150, 210)
    ready = predictor.prepare(photo, long_side)
    found = logits(predictor, photo, long_side)
    assert found.shape[1:] == ready.inner
    assert np.array_equal(predictor.labels(photo, long_side), predictor.labels_of(found, (150, 210)))
    if task.kind == "binary":
        assert np.array_equal(predictor(photo, long_side), predictor.probability(found, (150, 210)))
        assert np.array_equal(
            predictor.small_map(photo, long_side), predictor.probability(found, ready.inner)
        )


class Channels(nn.Module):
    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.outputs = outputs

    def forward(self, images: Tensor) -> Tensor:
        return images[:, : self.outputs]


def test_memory_does_not_grow_with_the_height_of_the_photo() -> None:
    def peak(height: int) -> int:
        photo = np.zeros((height, 512, 3), np.uint8)
        tracemalloc.start()
        for strip in sliding_window.strips(photo, (height, 512), WINDOW, lambda some: [zeros] * len(some), 2):
            assert strip.shape[0] == 20
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    zeros = np.zeros((20, WINDOW.height, WINDOW.width), np.float32)
    low, high = peak(256), peak(2048)
    assert high < low * 1.1
    assert high < 5 * 20 * WINDOW.height * 512 * 4


def test_a_large_photo_is_not_copied_for_its_windows() -> None:
    photo = photo_of(500, 400)
    assert predictor_of(Mean(), WINDOW).prepare(photo).padded is photo


def test_a_prediction_can_be_ended_after_each_row_of_windows() -> None:
    network = Counted(Channels(1))
    predictor = predictor_of(network, WINDOW, Task())

    def enough() -> None:
        if len(network.seen) > 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        cut_out(photo_of(640, 96), predictor, between=enough)
    assert len(network.seen) == 4
    predictor(photo_of(640, 96))  # the model itself is not affected
