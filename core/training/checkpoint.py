"""The state from which a training resumes, in one file of tensors and JSON.

The file is written after every epoch and replaced whole. It holds the trained weights (the models in best/
and last/ may be averages), the optimizer, the schedule, the moving average and the state of the random number
generators; the order of the images follows from seed and epoch alone.
"""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.errors import UserError
from core.runs.run_folder import STATE_FILE
from core.system.atomic import atomic_file
from core.training.trainer import Trainer


def save_state(trainer: Trainer, folder: Path) -> None:
    """Write the state after the current epoch to the run's folder."""
    from safetensors.torch import save_file

    tensors: dict[str, Tensor] = {}
    tree = {
        "model": trainer.plain.state_dict(),
        "average": trainer.averaged.state_dict() if trainer.averaged else None,
        "optimizer": _optimizer(trainer).state_dict(),
        "scheduler": _plain_values(trainer.scheduler.state_dict()),
        "progress": trainer.progress.kept(),
        "micro_batches": trainer.micro_batches,
        "batch_size": trainer.config.batch_size,
        "random": _random_state(trainer),
    }
    skeleton = _take_apart(tree, "", tensors)
    with atomic_file(folder / STATE_FILE) as part:
        save_file(tensors, part, {"tree": json.dumps(skeleton)})


def read_state(folder: Path) -> dict[str, Any]:
    """The tree that `save_state` wrote. Raises UserError when the file is damaged."""
    from safetensors import safe_open

    path = folder / STATE_FILE
    try:
        with safe_open(path, "pt") as file:
            skeleton = json.loads(file.metadata()["tree"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no mapping
        tree: dict[str, Any] = _put_together(skeleton, tensors)
        return tree
    except Exception as error:  # a damaged file can cause any error
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise UserError(
            f"{path} cannot be read ({reason}): the run cannot be resumed; its models are unchanged."
        ) from error


def epoch_of(folder: Path) -> int:
    """The last whole epoch of a run that can be resumed."""
    return int(read_state(folder)["progress"]["epoch"])


def restore(trainer: Trainer, state: dict[str, Any]) -> None:
    """Set the trainer to a saved state."""
    trainer.plain.load_state_dict(state["model"])
    if trainer.averaged is not None:
        trainer.averaged.load_state_dict(state["average"])
    _optimizer(trainer).load_state_dict(state["optimizer"])
    _lay_out_as_the_weights(_optimizer(trainer))
    trainer.scheduler.load_state_dict(state["scheduler"])
    for name, value in state["progress"].items():
        if name != "best_dice":  # pooled, of a run from before the mean over images decided
            setattr(trainer.progress, name, value)
    trainer.micro_batches = state.get("micro_batches") or state["pieces"]  # its name in older runs
    torch.set_rng_state(state["random"]["cpu"])
    if "cuda" in state["random"] and trainer.fabric.device.type == "cuda":
        torch.cuda.set_rng_state(state["random"]["cuda"], trainer.fabric.device)


def _lay_out_as_the_weights(optimizer: torch.optim.Optimizer) -> None:
    """Give moments the memory layout of their weights, which the fused optimizers rely on; a file keeps no
    layout such as channels-last."""
    for weights, moments in optimizer.state.items():
        for name, values in moments.items():
            if isinstance(values, Tensor) and values.shape == weights.shape:
                moments[name] = torch.empty_like(weights).copy_(values)


def _random_state(trainer: Trainer) -> dict[str, Tensor]:
    state = {"cpu": torch.get_rng_state()}
    if trainer.fabric.device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(trainer.fabric.device)
    return state


def _optimizer(trainer: Trainer) -> torch.optim.Optimizer:
    inner: torch.optim.Optimizer = getattr(trainer.optimizer, "optimizer", trainer.optimizer)
    return inner


def _plain_values(state: dict[str, Any]) -> dict[str, Any]:
    """A schedule's state without its functions."""
    return {key: value for key, value in state.items() if key != "lr_lambdas"} | (
        {"lr_lambdas": [None] * len(state["lr_lambdas"])} if "lr_lambdas" in state else {}
    )


def _take_apart(value: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    """The value as JSON; its tensors go into `tensors` by their paths."""
    if isinstance(value, Tensor):
        tensors[path] = value.detach().cpu().contiguous().clone()
        return {"tensor": path}
    if isinstance(value, dict):
        pairs = [[key, _take_apart(v, f"{path}/{key}", tensors)] for key, v in value.items()]
        return {"dict": pairs}  # a list of pairs: an optimizer's keys are whole numbers, JSON's are not
    if isinstance(value, list | tuple):
        return {"list": [_take_apart(v, f"{path}/{i}", tensors) for i, v in enumerate(value)]}
    return {"value": value}


def _put_together(value: Any, tensors: dict[str, Tensor]) -> Any:
    (kind, content), *_ = value.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "dict":
        return {key: _put_together(v, tensors) for key, v in content}
    if kind == "list":
        return [_put_together(v, tensors) for v in content]
    return content
