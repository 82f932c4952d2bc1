"""A baseline that predicts the same for every image."""

import torch

from core.task import Task

UNLIKELY = -20.0  # a logit; as a probability 2e-9


class Constant(torch.nn.Module):
    """No foreground anywhere; of several classes, the first everywhere."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task = task

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(batch, 3, h, w) -> logits (batch, outputs, h, w)."""
        size = images.shape[0], self.task.outputs, *images.shape[2:]
        logits = torch.full(size, UNLIKELY, device=images.device)
        if self.task.kind == "multiclass":
            logits[:, 0] = -UNLIKELY
        return logits
