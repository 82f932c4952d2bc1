"""A network that begins with how common each class is, instead of finding that out first."""

import torch
from torch import Tensor, nn

from core.models.factory import Built
from core.models.initial_weights import Origin
from core.task import Task

RARE = 0.05  # share of the pixels below which the first steps of a training are lost otherwise
RAREST = 0.001  # share; below it the first gradients of the rare class would be too large


def start_at_shares(built: Built, shares: Tensor, task: Task) -> bool:
    """Set the biases of a new network's last layer so that it predicts the `shares` of the pixels, float
    (outputs,) in 0..1, where a class is rare. False where nothing is changed.

    With a bias of 0 half of all pixels are foreground at first, and the first steps only push that down. Lin
    et al. 2017, https://arxiv.org/abs/1708.02002, section 4.1.
    """
    if built.weights.origin is Origin.MODEL or not bool((shares < RARE).any()):
        return False
    head = built.model.get_submodule("segmentation_head")
    layers = [module for module in head.modules() if isinstance(module, nn.Conv2d)]
    if not layers or layers[-1].bias is None or layers[-1].bias.shape != shares.shape:
        return False
    share = shares.clamp(RAREST, 1 - RAREST)
    logits = share.log() if task.kind == "multiclass" else torch.log(share / (1 - share))
    with torch.no_grad():
        layers[-1].bias.copy_(logits)
    return True
