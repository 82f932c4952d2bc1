"""A model's scores on the validation images at the training size, shared among all processes."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.data.store import Store
from core.evaluation import metrics
from core.evaluation.metrics import Counts, Scores
from core.training.trainer import Trainer


@dataclass(frozen=True, slots=True)
class Validated:
    """`counts` of every image at the training size."""

    loss: float
    scores: Scores
    counts: Counts


def validate(trainer: Trainer, store: Store) -> Validated:
    """The loss of all stored images as one batch, and their scores.

    Batches are shared among the processes, and their sums are added up: neither the number of processes nor
    the batch size changes a score, except that Lovász ranks the pixels of each batch.
    """
    fabric, task, step = trainer.fabric, trainer.task, trainer.config.batch_size
    counts = torch.zeros(4, len(store), task.outputs, dtype=torch.int64)
    sums = torch.zeros(trainer.loss.length, dtype=torch.float64)
    starts = list(range(0, len(store), step))
    for start in starts[fabric.global_rank :: fabric.world_size]:
        part = slice(start, min(start + step, len(store)))
        photos, labels = store.batch(range(part.start, part.stop), *trainer.size)
        logits, truth = trainer.predict(photos), torch.from_numpy(labels)
        sums += trainer.loss.sums(logits, truth.to(logits.device)).cpu()
        found = metrics.count_labels(task.predicted(logits).cpu(), truth, task)
        counts[:, part] = torch.stack([found.tp, found.fp, found.fn, found.tn])
    found = Counts(*_over_all(trainer, counts))
    loss = trainer.loss.value(_over_all(trainer, sums)).item()
    return Validated(loss, metrics.summarise(found, task), found)


def predicted(trainer: Trainer, photos: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Labels uint8 (n, h, w) of photos (n, h, w, 3)."""
    return np.asarray(trainer.task.predicted(trainer.predict(photos)).cpu().numpy(), np.uint8)


def _over_all(trainer: Trainer, values: Tensor) -> Tensor:
    """The sum over all processes. Each has filled in its own images and left zeros elsewhere."""
    if trainer.fabric.world_size == 1:
        return values
    joined = trainer.fabric.all_reduce(values.to(trainer.fabric.device), reduce_op="sum")
    assert isinstance(joined, Tensor)
    return joined.cpu()
