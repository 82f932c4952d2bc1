"""One epoch of steps."""

import math
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass

from torch import Tensor

from core.errors import UserError
from core.evaluation import metrics
from core.runs.events import Note, Step
from core.system.formatting import dimensions
from core.training import whole_batch
from core.training.memory import is_out_of_memory, release
from core.training.progress import Progress
from core.training.trainer import Trainer

ShouldStop = Callable[[], bool]
STEP_EVENT_SECONDS = 0.2  # reading the loss makes a GPU wait, and nobody reads faster
EXPLODED = 50.0  # times the first losses


@dataclass(slots=True)
class EpochLoss:
    """The mean of an epoch's losses, kept on the device so that no step waits for it."""

    total: Tensor | float = 0.0
    steps: int = 0

    def add(self, loss: Tensor) -> None:
        self.total = self.total + loss
        self.steps += 1

    def mean(self) -> float:
        return float(self.total) / max(1, self.steps)


def train_epoch(
    trainer: Trainer,
    batches: Iterable[tuple[Tensor, Tensor]],
    epoch: int,
    should_stop: ShouldStop,
) -> Generator[Step | Note, None, float]:
    """One pass over `batches` of uint8 images (b, 3, h, w) and labels (b, h, w). Returns the mean loss.

    Raises UserError when the loss is not a number or explodes, and when not even one image fits.
    """
    progress, losses = trainer.progress, EpochLoss()
    trainer.training_mode()
    for pictures, labels in batches:
        done = None
        while done is None:
            try:
                done = take_step(trainer, pictures, labels)
            except RuntimeError as error:
                yield _smaller_micro_batches(trainer, error, len(pictures))
        loss, logits, truth = done
        losses.add(loss)
        progress.step += 1
        progress.images += len(pictures) * trainer.fabric.world_size
        if progress.seconds - progress.last_event >= STEP_EVENT_SECONDS:
            progress.last_event = progress.seconds
            check_loss(loss.item(), epoch, progress)
            yield _event(trainer, epoch, loss.item(), logits, truth)
        if should_stop():
            return losses.mean()
    check_loss(losses.mean(), epoch, progress)
    return losses.mean()


def take_step(trainer: Trainer, pictures: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Forward, backward, and one step of the optimizer. Returns the whole batch's loss, and the last
    micro-batch's logits and labels."""
    fabric, config = trainer.fabric, trainer.config
    count = min(trainer.micro_batches, len(pictures))
    micro_batches = zip(pictures.tensor_split(count), labels.tensor_split(count), strict=True)
    total, logits, truth = whole_batch.backward(trainer, list(micro_batches))
    if config.gradient_clip:
        # A gradient that is not a number makes the next loss NaN, which check_loss explains.
        fabric.clip_gradients(
            trainer.model,  # type: ignore[arg-type]
            trainer.optimizer,
            max_norm=config.gradient_clip,
            error_if_nonfinite=False,
        )
    trainer.optimizer.step()
    trainer.optimizer.zero_grad()
    if config.schedule not in ("plateau", "constant"):
        trainer.scheduler.step()  # type: ignore[call-arg]
    if trainer.averaged is not None:
        trainer.averaged.update_parameters(trainer.plain)
    return total, logits, truth


def check_loss(loss: float, epoch: int, progress: Progress) -> None:
    """Raises UserError for a training that diverged."""
    way_out = "Try a learning rate ten times smaller, or a gradient clip of 1."
    if not math.isfinite(loss):
        raise UserError(f"The loss is no longer a number (epoch {epoch}): the training diverged. {way_out}")
    progress.first_loss = progress.first_loss or loss
    if loss > EXPLODED * max(1.0, progress.first_loss):
        raise UserError(f"The loss exploded to {loss:.3g} (epoch {epoch}): the training diverged. {way_out}")


def _smaller_micro_batches(trainer: Trainer, error: RuntimeError, images: int) -> Note:
    """Twice as many micro-batches after running out of memory. Raises any other error."""
    if not is_out_of_memory(error):
        raise error
    config = trainer.config
    if trainer.micro_batches >= images or trainer.fabric.world_size > 1:
        raise UserError(
            f"Memory is too small for {images} images of {dimensions(config.height, config.width)} with "
            f"{config.encoder}: choose a smaller batch, size or encoder."
        ) from error
    trainer.optimizer.zero_grad()
    trainer.micro_batches *= 2
    release(str(trainer.fabric.device))
    each = math.ceil(images / trainer.micro_batches)
    return Note(
        f"Memory is too small for {math.ceil(2 * images / trainer.micro_batches)} images at once: "
        f"continuing with {each} at a time, {trainer.micro_batches} times a step.",
        "warning",
    )


def _event(trainer: Trainer, epoch: int, loss: float, logits: Tensor, truth: Tensor) -> Step:
    task, progress = trainer.task, trainer.progress
    scores = metrics.summarise(metrics.count_labels(task.predicted(logits).cpu(), truth.cpu(), task), task)
    return Step(
        epoch=epoch,
        step=progress.step,
        loss=loss,
        dice_mean=scores.dice_mean,
        iou_mean=scores.iou_mean,
        pixel_accuracy=scores.pixel_accuracy,
        learning_rate=float(trainer.scheduler.get_last_lr()[-1]),
        images_per_second=progress.images_per_second,
        seconds=progress.seconds,
        seconds_left=progress.seconds_left,
    )
