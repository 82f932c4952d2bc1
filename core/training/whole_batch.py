"""The gradient of a whole batch's loss from micro-batches or from several processes."""

import contextlib
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from core.training.trainer import Trainer

MicroBatch = tuple[Tensor, Tensor]  # images uint8 (b, 3, h, w) and labels uint8 (b, h, w)


def backward(trainer: Trainer, batches: Sequence[MicroBatch]) -> tuple[Tensor, Tensor, Tensor]:
    """Add the gradient of the loss of all these images, and of those of the other processes, to the weights.

    Returns the loss of the whole batch, and the last one's logits and labels. Of several, each is
    passed through twice: how much a pixel counts in an overlap such as Dice depends on all the others, so
    their sums are needed first, and no memory holds the activations of all. The idea is that of Gao et
    al. 2021, https://arxiv.org/abs/2101.06983. Batch norms still see one micro-batch alone.
    """
    device = trainer.fabric.device
    states: list[Tensor | None] = [None]
    sums: Tensor | None = None
    if len(batches) > 1:
        with torch.no_grad(), _buffers_kept(trainer.plain):
            states = []
            each = []
            for batch in batches:
                states.append(_random_state(device))
                each.append(_sums(trainer, batch)[0])
            sums = torch.stack(each).sum(dim=0)
    for number, (batch, state) in enumerate(zip(batches, states, strict=True), 1):
        _set_random_state(device, state)
        with trainer.fabric.no_backward_sync(trainer.model, enabled=number < len(batches)):  # type: ignore[arg-type]
            own, logits, truth = _sums(trainer, batch)
            if number == 1:
                loss, slope = _of_all(trainer, own if sums is None else sums)
            trainer.fabric.backward(own @ slope)
    return loss, logits.detach(), truth


def share_statistics(trainer: Trainer) -> None:
    """Average the running statistics of norms over all processes: each has seen its own images."""
    if trainer.fabric.world_size == 1:
        return
    models = [trainer.plain, *([trainer.averaged.module] if trainer.averaged is not None else [])]
    buffers = [b for model in models for b in model.buffers() if b.is_floating_point()]
    if not buffers:
        return
    joined = trainer.fabric.all_reduce(torch.cat([b.flatten() for b in buffers]), reduce_op="mean")
    assert isinstance(joined, Tensor)
    for buffer, mean in zip(buffers, torch.split(joined, [b.numel() for b in buffers]), strict=True):
        buffer.copy_(mean.view_as(buffer))


def _sums(trainer: Trainer, batch: MicroBatch) -> tuple[Tensor, Tensor, Tensor]:
    """The loss's sums over a micro-batch, its logits and its labels."""
    images, labels = batch
    labels = labels.to(trainer.fabric.device, non_blocking=True)
    with trainer.forward_context():
        logits = trainer.model(trainer.inputs(images))
    return trainer.loss.sums(logits, labels), logits, labels


def _of_all(trainer: Trainer, sums: Tensor) -> tuple[Tensor, Tensor]:
    """From this process's sums to the loss of all processes' images, and how it changes with each sum."""
    total = sums.detach().clone()
    if trainer.fabric.world_size > 1:
        joined = trainer.fabric.all_reduce(total, reduce_op="sum")
        assert isinstance(joined, Tensor)
        total = joined
    total.requires_grad_()
    loss = trainer.loss.value(total)
    (slope,) = torch.autograd.grad(loss, total)
    return loss.detach(), slope * trainer.fabric.world_size  # of which DDP takes the mean


@contextlib.contextmanager
def _buffers_kept(model: nn.Module) -> Iterator[None]:
    """Restore running statistics afterwards: the images come again."""
    kept = [buffer.clone() for buffer in model.buffers()]
    try:
        yield
    finally:
        for buffer, before in zip(model.buffers(), kept, strict=True):
            buffer.copy_(before)


def _random_state(device: torch.device) -> Tensor:
    if device.type == "cuda":
        return torch.cuda.get_rng_state(device)
    return torch.mps.get_rng_state() if device.type == "mps" else torch.get_rng_state()


def _set_random_state(device: torch.device, state: Tensor | None) -> None:
    """So that dropout drops the same units again."""
    if state is None:
        return
    if device.type == "cuda":
        torch.cuda.set_rng_state(state, device)
    elif device.type == "mps":
        torch.mps.set_rng_state(state)
    else:
        torch.set_rng_state(state)
