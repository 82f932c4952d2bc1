"""`fit(config, folder)`: set up, train, validate, and report it event by event.

Read it from the top: `fit` is the whole training, and the files beside this one are its steps.
"""

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from lightning_fabric import Fabric
from torch.optim.lr_scheduler import ReduceLROnPlateau

from core.config import TrainConfig
from core.data.dataset import DATASET_FILE, DataFolder, as_task, open_data, write_down
from core.data.masks import BinaryEncoding
from core.data.store import Store
from core.errors import UserError
from core.inference.predictor import Predictor
from core.models.card import ModelCard
from core.models.factory import build_model, parameter_count, save_model
from core.runs.events import EpochEnd, Event, Finished, Note, Preview, Started
from core.runs.run_folder import STATE_FILE, Run
from core.system.device import device_name, make_fabric, pick_device, seed_everything
from core.system.score_names import DICE_MEAN
from core.system.workspace import write_json
from core.training import checkpoint, loading
from core.training.batch_size import largest_that_pays
from core.training.edges import judge_edges, keep_plain_edges
from core.training.final_scores import score_model
from core.training.losses import class_shares, class_weights
from core.training.model_card import card_of, with_scores
from core.training.previews import save_previews
from core.training.prior import start_at_shares
from core.training.provenance import write_provenance
from core.training.steps import ShouldStop, train_epoch
from core.training.trainer import Trainer, set_up
from core.training.validation import predicted, validate
from core.training.whole_batch import share_statistics

PREVIEWS = 6
EDGES_SHARE = 0.03  # of the time: what judging refined edges may take of it
SCORES_SHARE = 0.05  # of the time: what scoring the finished model may take of it
LEAST_SECONDS = 1.0  # for the edges, and for the scores where the time is set
UNHURRIED_SECONDS = 10.0  # for the scores where the epochs are set
MOMENT = 0.001  # seconds: what is left for the steps where loading has taken all of the time


@dataclass(frozen=True, slots=True)
class Session:
    """One call of `fit`; a resumed run has several. `chosen` are the previewed images."""

    folder: Path
    data: DataFolder
    trainer: Trainer
    batches: loading.Batches
    stores: dict[str, Store]
    card: ModelCard
    chosen: list[int]


def fit(
    config: TrainConfig,
    folder: Path,
    should_stop: ShouldStop = lambda: False,
    since: float | None = None,
) -> Iterator[Event]:
    """Train with `config` and write `best/` and `last/` models and previews to `folder`.

    Resumes where an earlier call for this folder ended, if it left a state. Yields events as they happen.
    `should_stop` is called between steps. Where several processes train together, each calls this; only
    the first writes. `since` is the time.monotonic() from which `config.minutes` count, by default now.
    Raises UserError when the data cannot be trained on.
    """
    since = time.monotonic() if since is None else since
    seed_everything(config.seed)
    fabric = make_fabric(config, pick_device(config.device))
    state = checkpoint.read_state(folder) if (folder / STATE_FILE).is_file() else None
    session = yield from _prepare(config, folder, fabric, state)
    trainer, batches = session.trainer, session.batches
    progress = trainer.progress
    yield _started(session)
    if state:
        checkpoint.restore(trainer, state)
        yield Note(f"Resuming after epoch {progress.epoch}.")
    else:
        yield from _finish_epoch(session, None)
        if config.minutes:
            left_for_edges = EDGES_SHARE if trainer.task.kind == "binary" else 0.0
            usable = 60 * config.minutes * (1 - left_for_edges - SCORES_SHARE)
            progress.time_limit = max(MOMENT, usable - (time.monotonic() - since))
    loading.start_at(batches, progress.epoch)
    progress.start()
    stop = _agreed(fabric, should_stop)
    out_of_time = _clock(trainer)
    is_due = _agreed(fabric, lambda: progress.is_due)
    ends = (lambda: stop() or out_of_time()) if config.minutes else stop
    while _goes_on(trainer, out_of_time):
        train_loss = yield from train_epoch(trainer, batches, progress.epoch + 1, ends)
        if stop():
            share_statistics(trainer)
            if fabric.is_global_zero:
                save_model(trainer.final_model, session.card, folder / "last")
            yield _finished(trainer, "stopped")
            return
        progress.epoch += 1
        if config.minutes and not is_due():
            continue
        yield from _finish_epoch(session, train_loss)
        if config.early_stopping and progress.epoch - progress.best_epoch >= config.early_stopping:
            yield Note(f"Stopped early: no better {DICE_MEAN} in {config.early_stopping} epochs.")
            break
    yield from _judge_edges(session)
    yield from _score(session, should_stop)
    yield _finished(trainer, "done")


def _prepare(
    config: TrainConfig, folder: Path, fabric: Fabric, state: dict[str, Any] | None
) -> Generator[Event, None, Session]:
    """Load the data and build the model. Yields notes and returns what the loop needs."""
    data = open_data(Path(config.data))
    if fabric.is_global_zero:
        write_down(data)
        write_json(folder / DATASET_FILE, data.about)
    data = as_task(data, config.task, config.ignore_index, config.named_classes)
    task = data.encoding.task
    yield from (Note(p.sentence, "warning") for p in data.problems)
    if config.task == "auto" and isinstance(data.encoding, BinaryEncoding) and data.encoding.is_of_ids:
        yield Note("The masks hold several values: all above 0 are trained as one foreground.", "warning")
    with fabric.rank_zero_first(local=True):
        stores = yield from loading.open_stores(data, config)
    train, validation = stores["train"], stores["validation"]

    yield Note(f"Building {config.architecture} with {config.encoder}.")
    with fabric.rank_zero_first(local=True):
        built = build_model(config, task)
    yield Note(f"Encoder weights: {built.weights}.", "warning" if built.weights.are_missing else "info")
    start_at_shares(built, class_shares(train, task), task)
    if state:
        config = replace(config, batch_size=state["batch_size"])
    elif config.batch_size == 0:
        drawn = loading.images_drawn(config, train)
        config = replace(config, batch_size=largest_that_pays(config, built, task, fabric, drawn))
        yield Note(f"Batch size: {config.batch_size}, the fastest on this machine.")
    _check_shares(config, loading.images_drawn(config, train), fabric.world_size)

    batches = loading.training_batches(
        config, train, task, fabric.device.type, fabric.global_rank, fabric.world_size
    )
    weights = class_weights(train, task) if config.class_weights == "balanced" else None
    trainer = set_up(config, built, task, fabric, len(batches), weights)
    if fabric.is_global_zero:
        yield from write_provenance(folder, trainer, stores)
    chosen = np.linspace(0, len(validation) - 1, min(PREVIEWS, len(validation))).astype(int).tolist()
    return Session(folder, data, trainer, batches, stores, card_of(config, data, built), chosen)


def _started(session: Session) -> Started:
    trainer, validation = session.trainer, session.stores["validation"]
    fabric, window = trainer.fabric, trainer.window
    return Started(
        train_images=len(session.stores["train"]),
        validation_images=len(validation),
        steps_per_epoch=len(session.batches),
        epochs=trainer.config.epochs,
        device=device_name(str(fabric.device), fabric.world_size),
        precision=str(fabric._precision.precision),
        weights=session.card.encoder_weights,
        parameters=parameter_count(trainer.plain),
        preview_names=[validation.names[i] for i in session.chosen],
        task=trainer.task.to_dict(),
        patches=loading.images_drawn(trainer.config, session.stores["train"]) if window else 0,
        windows=sum(window.count(*shape) for shape in validation.shapes.tolist()) if window else 0,
        is_timed=bool(trainer.config.minutes),
    )


def _goes_on(trainer: Trainer, out_of_time: ShouldStop) -> bool:
    """Whether another epoch follows: as long as there is time, or as many as are set."""
    config, progress = trainer.config, trainer.progress
    if config.minutes:
        return progress.epoch == 0 or not out_of_time()
    return progress.epoch < config.epochs


def _finish_epoch(session: Session, train_loss: float | None) -> Iterator[Event]:
    """Validate, preview and save, and note how long that takes."""
    trainer, begun = session.trainer, time.monotonic()
    progress = trainer.progress
    yield from _validate_and_save(session, train_loss)
    progress.last_finished = progress.seconds
    if progress.epoch and trainer.fabric.is_global_zero:
        checkpoint.save_state(trainer, session.folder)
    progress.finishing = time.monotonic() - begun


def _judge_edges(session: Session) -> Iterator[Event]:
    """Note on the cards of the models if their masks are better without refined edges."""
    trainer, folder = session.trainer, session.folder
    if trainer.task.kind != "binary" or not trainer.fabric.is_global_zero:
        return
    config, data = trainer.config, session.data
    names = set(session.stores["validation"].names)
    pairs = [pair for pair in data.pairs_of("validation") if pair.name in names]
    seconds = EDGES_SHARE * (60 * config.minutes or trainer.progress.seconds)
    predictor = Predictor(folder / "best", str(trainer.fabric.device))
    found = judge_edges(predictor, pairs, data.encoding, max(LEAST_SECONDS, seconds))
    if found.are_better_plain:
        yield Note(found.sentence)
        for name in ("best", "last"):
            keep_plain_edges(folder / name)


def _validate_and_save(session: Session, train_loss: float | None) -> Iterator[Event]:
    trainer, validation, folder = session.trainer, session.stores["validation"], session.folder
    share_statistics(trainer)
    result = validate(trainer, validation)
    scores, progress = result.scores, trainer.progress
    epoch = progress.epoch
    if epoch and isinstance(trainer.scheduler, ReduceLROnPlateau):
        trainer.scheduler.step(scores.dice_mean)
    is_best = epoch > 0 and scores.dice_mean > progress.best_dice_mean
    yield EpochEnd(
        epoch=epoch,
        train_loss=train_loss,
        validation_loss=result.loss,
        dice_pooled=scores.dice_pooled,
        dice_mean=scores.dice_mean,
        iou_pooled=scores.iou_pooled,
        iou_mean=scores.iou_mean,
        miou=scores.miou,
        pixel_accuracy=scores.pixel_accuracy,
        precision=scores.precision,
        recall=scores.recall,
        class_dice=list(scores.class_dice),
        class_iou=list(scores.class_iou),
        seconds=progress.seconds if epoch else 0.0,
        is_best=is_best,
    )
    if is_best:
        progress.best_dice_mean, progress.best_epoch = scores.dice_mean, epoch
    if not trainer.fabric.is_global_zero:
        return
    if epoch:
        # A run may be renamed while it trains.
        named = replace(session.card, name=Run(folder).given_name or session.card.name)
        kept = with_scores(named, result, epoch)
        for name in ("best", "last") if is_best else ("last",):
            save_model(trainer.final_model, kept, folder / name)
    previewed = predicted(trainer, validation, session.chosen)
    files = save_previews(folder, epoch, previewed, trainer.task)
    yield Preview(epoch, files)


def _score(session: Session, should_stop: ShouldStop) -> Iterator[Event]:
    """Score the best model as users get its masks, where there is time for it."""
    trainer, config = session.trainer, session.trainer.config
    if not trainer.fabric.is_global_zero:
        return
    least = LEAST_SECONDS if config.minutes else UNHURRIED_SECONDS
    seconds = max(least, SCORES_SHARE * (60 * config.minutes or trainer.progress.seconds))
    device = str(trainer.fabric.device)
    sentence = score_model(session.folder / "best", Path(config.data), device, seconds, should_stop)
    if sentence:
        yield Note(sentence)


def _finished(trainer: Trainer, reason: str) -> Finished:
    progress = trainer.progress
    return Finished(reason, progress.best_epoch, max(0.0, progress.best_dice_mean), progress.seconds)


def _check_shares(config: TrainConfig, images: int, world: int) -> None:
    if images < world:
        raise UserError(f"{images} training images are too few for {world} processes: use at most {images}.")
    if config.batch_size % world:
        raise UserError(
            f"A batch of {config.batch_size} does not divide by {world} processes: use a multiple of {world}."
        )


def _clock(trainer: Trainer) -> ShouldStop:
    """Whether the time is over, by the clock of the first process, which the learning rate follows too."""
    fabric, progress = trainer.fabric, trainer.progress

    def out_of_time() -> bool:
        used = progress.clock()
        progress.time_used = used if fabric.world_size == 1 else float(fabric.broadcast(used))
        return progress.is_out_of_time

    return out_of_time


def _agreed(fabric: Fabric, should_stop: ShouldStop) -> ShouldStop:
    """Whether to stop, the same answer in every process: otherwise one would wait for another for ever."""
    if fabric.world_size == 1:
        return should_stop
    return lambda: bool(fabric.broadcast(should_stop() if fabric.is_global_zero else False))
