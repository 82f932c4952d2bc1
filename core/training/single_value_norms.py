"""Batch norms with a single value per channel."""

from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


def take_running_statistics(model: nn.Module) -> None:
    """Make batch norms use their running statistics, as in evaluation, for inputs with one value per channel.

    DeepLabV3+, PAN and UPerNet pool the photo to 1x1. For a batch of one that leaves one value without a
    variance, and torch refuses. So a batch or micro-batch of one image can be trained on.
    """
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.register_forward_pre_hook(_before)
            module.register_forward_hook(_after)


def _is_single(images: Tensor) -> bool:
    return images.numel() == images.shape[1]


def _before(module: nn.Module, inputs: tuple[Any, ...]) -> None:
    if module.training and _is_single(inputs[0]):
        module.training = False
        module._is_lent = True  # type: ignore[assignment]


def _after(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
    if getattr(module, "_is_lent", False):
        module.training = True
        module._is_lent = False  # type: ignore[assignment]
