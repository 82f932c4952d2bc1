"""A model's scores on the validation images, shared among all processes: at the training size, or of a model
that is trained on patches at the images' own size, in windows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.config import SIZE_STEP, SMALLEST_SIDES
from core.data.store import Store
from core.evaluation import metrics
from core.evaluation.metrics import Counts, Scores
from core.imaging.label_resizing import resize_labels
from core.imaging.rendering import display_size
from core.inference.sliding_window import strips
from core.models.preprocessing import fit_photo
from core.models.window import Window
from core.training.trainer import Trainer

SHOWN_SIDE = 512  # pixels of the longer side of a preview that was predicted in windows


@dataclass(frozen=True, slots=True)
class Validated:
    """`counts` of every image at the size at which it was predicted."""

    loss: float
    scores: Scores
    counts: Counts


@dataclass(frozen=True, slots=True)
class Predicted:
    """A photo, uint8 (h, w, 3), with its true and its predicted labels, uint8 (h, w)."""

    photo: NDArray[np.uint8]
    truth: NDArray[np.uint8]
    labels: NDArray[np.uint8]


def validate(trainer: Trainer, store: Store) -> Validated:
    """The loss of all stored images as one batch, and their scores.

    Batches are shared among the processes, and their sums are added up: neither the number of processes nor
    the batch size changes a score, except that Lovász ranks the pixels of each batch.
    """
    fabric, task = trainer.fabric, trainer.task
    counts = torch.zeros(4, len(store), task.outputs, dtype=torch.int64)
    sums = torch.zeros(trainer.loss.length, dtype=torch.float64)
    step = 1 if trainer.window else trainer.config.batch_size
    starts = list(range(0, len(store), step))
    for start in starts[fabric.global_rank :: fabric.world_size]:
        part = slice(start, min(start + step, len(store)))
        for logits, truth in _answers(trainer, store, part):
            sums += trainer.loss.sums(logits, truth.to(logits.device)).cpu()
            found = metrics.count_labels(task.predicted(logits).cpu(), truth, task)
            counts[:, part] += torch.stack([found.tp, found.fp, found.fn, found.tn])
    found = Counts(*_over_all(trainer, counts))
    loss = trainer.loss.value(_over_all(trainer, sums)).item()
    return Validated(loss, metrics.summarise(found, task), found)


def predicted(trainer: Trainer, store: Store, chosen: Sequence[int]) -> list[Predicted]:
    """Some of the stored images, predicted."""
    if trainer.window is None:
        photos, truth = store.batch(chosen, *trainer.size)
        labels = trainer.task.predicted(trainer.predict(photos)).cpu().numpy()
        return [Predicted(*one) for one in zip(photos, truth, labels, strict=True)]
    found = []
    for index in chosen:
        logits = _in_windows(trainer, trainer.window, store[index][0])
        labels = np.concatenate([trainer.task.predicted(strip)[0].cpu().numpy() for strip in logits])
        photo = display_size(store[index][0], SHOWN_SIDE)
        size = photo.shape[0], photo.shape[1]
        found.append(Predicted(photo, resize_labels(store[index][1], size), resize_labels(labels, size)))
    return found


def _answers(trainer: Trainer, store: Store, part: slice) -> Iterator[tuple[Tensor, Tensor]]:
    """Logits (n, outputs, h, w) and labels (n, h, w) of these images, or of one image strip by strip."""
    if trainer.window is None:
        photos, labels = store.batch(range(part.start, part.stop), *trainer.size)
        yield trainer.predict(photos), torch.from_numpy(labels)
        return
    photo, truth = store[part.start]
    top = 0
    for logits in _in_windows(trainer, trainer.window, photo):
        rows = logits.shape[2]
        yield logits, torch.from_numpy(np.array(truth[None, top : top + rows]))
        top += rows


def _in_windows(trainer: Trainer, window: Window, photo: NDArray[np.uint8]) -> Iterator[Tensor]:
    """The logits (1, outputs, rows, w) of a photo at its own size, as the Predictor of the saved model."""
    least = SMALLEST_SIDES.get(trainer.config.architecture, SIZE_STEP)
    padded, inner = fit_photo(photo, max(photo.shape[:2]), least, window)

    def forward(windows: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
        return np.asarray(trainer.predict(np.stack(windows)).cpu().numpy(), np.float32)

    for strip in strips(padded, inner, window, forward, trainer.config.batch_size):
        yield torch.from_numpy(strip[None]).to(trainer.fabric.device)


def _over_all(trainer: Trainer, values: Tensor) -> Tensor:
    """The sum over all processes. Each has filled in its own images and left zeros elsewhere."""
    if trainer.fabric.world_size == 1:
        return values
    joined = trainer.fabric.all_reduce(values.to(trainer.fabric.device), reduce_op="sum")
    assert isinstance(joined, Tensor)
    return joined.cpu()
