"""What a model tells apart: targets from labels, labels from logits."""

import pytest
import torch

from core.task import Task
from tests.builders import CAMERA


@pytest.mark.parametrize("task", [CAMERA, Task("multilabel", ("a", "b", "c"))])
def test_targets_and_predictions_are_inverse(task: Task) -> None:
    labels = torch.randint(0, 3, (2, 5, 5), dtype=torch.uint8)
    target = task.target(labels)
    if task.kind == "multiclass":
        target = torch.nn.functional.one_hot(target, 3).permute(0, 3, 1, 2)
    assert torch.equal(task.predicted(target.float() * 2 - 1), labels)
