"""A training's events for TensorBoard, MLflow, Weights & Biases and as CSV.

TensorBoard files and metrics.csv are written to the run's folder. MLflow and Weights & Biases are used when
the settings name them and their packages are installed; they are no dependencies. All but the CSV go through
Lightning's logger interface.
"""

import atexit
import contextlib
import csv
import errno
import importlib
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from core.config import TrainConfig
from core.errors import UserError
from core.runs.events import EpochEnd, Event, Finished, Preview, Step
from core.runs.history import History
from core.runs.run_folder import Run
from core.system import workspace
from core.system.workspace import write_atomically

if TYPE_CHECKING:
    from lightning_fabric.loggers.logger import Logger

CSV_FILE = "metrics.csv"
STEP_FIELDS = ("loss", "dice_mean", "iou_mean", "pixel_accuracy", "learning_rate", "images_per_second")
EPOCH_FIELDS = ("train_loss", "validation_loss", "dice_mean", "dice_pooled", "iou_mean", "iou_pooled", "miou",
                "pixel_accuracy", "precision", "recall")  # fmt: skip
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
INSTALL = {"mlflow": "pytorch-lightning mlflow", "wandb": "pytorch-lightning wandb"}


class Listener:
    """Passes events to the loggers. One that fails later is dropped with a call of `warn`, because a training
    should not end when a tracking server is down. Raises UserError when one cannot be started."""

    def __init__(self, run: Run, warn: Callable[[str], None] = lambda sentence: None) -> None:
        self.run, self.warn, config = run, warn, run.config
        self.loggers = [make(config, run.folder) for make in _makers(config)]
        self.writes_csv = "csv" in config.logger_names
        self.step = 0
        # Before multiprocessing closes the queue that TensorBoard's thread reads: that prints a traceback.
        atexit.register(self._close)
        self._each(lambda logger: logger.log_hyperparams(config.to_dict()))

    def __call__(self, event: Event) -> None:
        match event:
            case Step():
                self.step = event.step
                self._log({f"train/{name}": getattr(event, name) for name in STEP_FIELDS})
            case EpochEnd():
                values = {f"validation/{name}": getattr(event, name) for name in EPOCH_FIELDS}
                self._log({"epoch": event.epoch, **{k: v for k, v in values.items() if v is not None}})
                if self.writes_csv:
                    write_atomically(self.run.folder / CSV_FILE, table(History(self.run).refresh()))
            case Preview():
                for i, file in enumerate(event.files):
                    self._show(f"validation/{i}", self.run.folder / file)
            case Finished():
                self._each(lambda logger: logger.finalize("success"))
                atexit.unregister(self._close)

    def _close(self) -> None:
        """For a run that failed."""
        for logger in self.loggers:
            with contextlib.suppress(Exception):  # a disk that is full, or a service that is down
                logger.finalize("failed")

    def _log(self, values: dict[str, float]) -> None:
        self._each(lambda logger: logger.log_metrics(values, self.step))

    def _show(self, tag: str, path: Path) -> None:
        def show(logger: "Logger") -> None:
            add_image = getattr(getattr(logger, "experiment", None), "add_image", None)
            log_image = getattr(logger, "log_image", None)
            if callable(add_image):
                add_image(tag, np.asarray(Image.open(path)), self.step, dataformats="HWC")
            elif callable(log_image):
                log_image(tag, [str(path)], step=self.step)

        self._each(show)

    def _each(self, act: Callable[["Logger"], None]) -> None:
        for logger in list(self.loggers):
            try:
                act(logger)
            except Exception as error:  # a foreign service can raise anything
                if getattr(error, "errno", None) in DISK_ERRORS:
                    raise  # it ends the run, with a message of its own
                self.loggers.remove(logger)
                reason = " ".join(str(error).split())[:200]
                self.warn(f"{type(logger).__name__} failed and is no longer used: {reason}")


def table(history: History) -> str:
    """The validation scores of every epoch as CSV."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(["epoch", "seconds", *EPOCH_FIELDS])
    for e in history.epochs:
        writer.writerow([e.epoch, round(e.seconds, 3), *(getattr(e, name) for name in EPOCH_FIELDS)])
    return stream.getvalue()


def _makers(config: TrainConfig) -> Iterator[Callable[[TrainConfig, Path], "Logger"]]:
    known = {"tensorboard": _tensorboard, "mlflow": _mlflow, "wandb": _wandb}
    yield from (known[name] for name in config.logger_names if name in known)


def _tensorboard(config: TrainConfig, folder: Path) -> "Logger":
    from lightning_fabric.loggers.tensorboard import TensorBoardLogger

    return TensorBoardLogger(folder, name="tensorboard", version="")


def _mlflow(config: TrainConfig, folder: Path) -> "Logger":
    store = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{workspace.root().resolve()}/mlflow.db"
    settings = {"experiment_name": "segmentation-studio", "run_name": folder.name, "tracking_uri": store}
    return _from_lightning("mlflow", "MLFlowLogger", settings)


def _wandb(config: TrainConfig, folder: Path) -> "Logger":
    settings = {"project": "segmentation-studio", "name": folder.name, "save_dir": str(folder)}
    return _from_lightning("wandb", "WandbLogger", settings)


def _from_lightning(package: str, name: str, settings: dict[str, str]) -> "Logger":
    try:
        importlib.import_module(package)
        loggers = importlib.import_module("pytorch_lightning.loggers")
    except ImportError as error:
        raise UserError(
            f"The logger '{package}' needs packages that are not installed: pip install {INSTALL[package]}"
        ) from error
    try:
        logger: Logger = getattr(loggers, name)(**settings)
    except Exception as error:  # the package can raise anything about its own settings
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"The logger '{package}' cannot be started: {reason}") from error
    return logger
