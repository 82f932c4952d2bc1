"""Removes the stages that a shallower encoder carries but does not run."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def trim(model: "nn.Module", side: int = 64) -> "nn.Module":
    """Replace, in place, each layer that has no part in `model`'s output by an empty one.

    smp builds an encoder of `encoder_depth` 4 with all its stages and runs four of them; without the
    rest a file with efficientnet-lite0 is 10 MB smaller. What takes part is read off the gradients of
    one picture of `side` x `side` pixels, on the device of the model ("meta" too).
    """
    import torch
    from torch import nn

    was_training = model.training
    model.eval()
    with torch.enable_grad():
        device = next(model.parameters()).device
        model(torch.rand(1, 3, side, side, device=device)).sum().backward()
    for name in [name for name, module in model.named_modules() if _is_idle(module)]:
        parent, _, child = name.rpartition(".")
        setattr(model.get_submodule(parent), child, nn.Identity())
    model.zero_grad(set_to_none=True)
    return model.train(was_training)


def _is_idle(module: "nn.Module") -> bool:
    """Whether a layer has weights, none of which a gradient reached."""
    own = list(module.parameters(recurse=False))
    return bool(own) and all(p.grad is None for p in own)
