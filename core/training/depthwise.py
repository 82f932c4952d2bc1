"""Depthwise convolutions in bf16 on the CPU, with a backward pass that is not slow.

oneDNN's backward pass of a strided or large depthwise convolution is eight to eighteen times
slower in bf16 than in fp32 (torch 2.15 on AVX-512: 95 ms against 12 ms for 144 channels of 64x48,
5x5, stride 2, batch 16). Networks made for phones consist of these. The detour is forward in bf16 and
backward in fp32.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode


class FastDepthwise(TorchFunctionMode):
    """Within it, slow convolutions take the detour; everything else is unchanged."""

    def __torch_function__(
        self,
        func: Any,
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func is torch.conv2d and not kwargs and _is_slow(args):
            return _Detour.apply(*args[:2], *(_two(a) for a in args[3:6]))
        return func(*args, **(kwargs or {}))


def is_needed(device: str, precision: str) -> bool:
    return device == "cpu" and precision == "bf16-mixed"


def _is_slow(args: tuple[Any, ...]) -> bool:
    """conv2d(input, weight, bias, stride, padding, dilation, groups)."""
    if len(args) != 7 or args[2] is not None or isinstance(args[4], str) or not torch.is_grad_enabled():
        return False
    images, weight, stride, groups = args[0], args[1], args[3], args[6]
    depthwise = groups > 1 and groups == images.shape[1] == weight.shape[0]
    return depthwise and (_two(stride) != [1, 1] or weight.shape[-1] > 3)


class _Detour(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, images: Tensor, weight: Tensor, stride: list[int], padding: list[int], dilation: list[int]
    ) -> Tensor:
        images = images.bfloat16()
        ctx.save_for_backward(images, weight)
        ctx.geometry = stride, padding, dilation
        return torch.conv2d(images, weight.bfloat16(), None, stride, padding, dilation, len(weight))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        images, weight = ctx.saved_tensors
        wanted = [*ctx.needs_input_grad[:2], False]
        of_images, of_weight, _ = torch.ops.aten.convolution_backward(
            gradients[0].float(), images.float(), weight.float(), None, *ctx.geometry, False, [0, 0],
            len(weight), wanted,
        )  # fmt: skip
        return (of_images.bfloat16() if wanted[0] else None), of_weight, None, None, None


def _two(value: Any) -> list[int]:
    return [value, value] if isinstance(value, int) else list(value)
