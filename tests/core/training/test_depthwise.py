"""The backward pass of depthwise convolutions."""

import torch

from core.training.depthwise import FastDepthwise


def test_the_backward_pass_of_depthwise_convolutions_is_right() -> None:
    torch.manual_seed(0)
    for channels, kernel, stride in ((8, 5, 1), (8, 3, 2), (6, 5, 2)):
        layer = torch.nn.Conv2d(channels, channels, kernel, stride, kernel // 2, groups=channels, bias=False)
        images = torch.randn(2, channels, 17, 13, requires_grad=True)
        expected = torch.autograd.grad(layer(images).square().sum(), [images, layer.weight])
        with FastDepthwise(), torch.autocast("cpu", torch.bfloat16):
            result = layer(images)
        assert result.dtype == torch.bfloat16
        got = torch.autograd.grad(result.float().square().sum(), [images, layer.weight])
        for one, other in zip(expected, got, strict=True):
            assert torch.allclose(one, other, rtol=0.05, atol=0.05 * one.abs().max().item())
