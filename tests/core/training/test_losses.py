"""Losses: smaller for the truth, blind to void, weighted by class."""

from pathlib import Path

import numpy as np
import pytest
import torch

from core.data.dataset import open_data
from core.data.store import Store, build_store
from core.task import Task
from core.training.losses import class_weights, make_loss
from tests.builders import LOSSES, tiny


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_is_smaller_for_the_truth_than_for_its_opposite(kind: str, loss: str) -> None:
    names = ("a", "b", "c")
    tasks = {
        "binary": Task(),
        "multiclass": Task("multiclass", names, (0, 1, 2)),
        "multilabel": Task("multilabel", names),
    }
    task = tasks[kind]
    labels = torch.randint(0, 2 if kind == "binary" else 3, (2, 16, 16), dtype=torch.uint8)
    target = task.target(labels)
    if kind == "multiclass":
        target = torch.nn.functional.one_hot(target, 3).permute(0, 3, 1, 2).float()
    right = (target * 2 - 1) * 6
    function = make_loss(tiny(Path("x"), loss=loss), task)
    assert function(right, labels) < 0.1 < function(-right, labels)


def test_ignored_pixels_change_no_loss() -> None:
    task = Task("multiclass", ("a", "b"), (0, 1))
    labels = torch.randint(0, 2, (1, 8, 8), dtype=torch.uint8)
    labels[:, :4] = 255
    logits = torch.randn(1, 2, 8, 8)
    other = logits.clone()
    other[:, :, :4] = torch.randn(1, 2, 4, 8) * 9
    for loss in LOSSES:
        function = make_loss(tiny(Path("x"), loss=loss), task)
        assert function(logits, labels).item() == pytest.approx(function(other, labels).item(), abs=1e-5), (
            loss
        )


def test_balanced_weights_lift_the_rare_class(small_data: Path) -> None:
    data = open_data(small_data)
    store = next(s for s in build_store(data.pairs, data.encoding, 64) if isinstance(s, Store))
    share = float(np.mean(store.labels))
    (weight,) = class_weights(store, Task()).tolist()
    assert weight == pytest.approx(min(10, max(0.1, (1 - share) / share)), rel=0.02)
