"""How long a training will take on this machine, from what trainings here have taken.

Every training notes how fast it was; before the first one, `measure` times three steps in a process of its
own. Another network or size is estimated from these by the table that benchmarks/encoders.py measures. This
file does not import torch, because the Train page asks at every change of a setting.
"""

import csv
import functools
import json
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from core.config import DEFAULT_ENCODER, TrainConfig
from core.errors import UserError
from core.models.encoder_catalogue import TABLE_FILE
from core.models.window import Window
from core.policy.permissions import needs
from core.runs.events import EpochEnd, Event, Started
from core.system import workspace
from core.system.workspace import read_json, write_json

FORWARD = 1 / 3  # of a training step: backward takes twice the operations of forward
LOADING = 15.0  # seconds until the first step, where none was measured: importing torch, building the network
# Images a second of the default network at 256x192 until they are measured: a third of what two cores do in
# core/models/encoders.csv, so that a slow machine keeps what a plan promises.
UNMEASURED = 4.5
KEPT = 40
MEASURED_BATCH = 8
MEASURE_SECONDS = 120.0  # after which it is given up


@dataclass(frozen=True, slots=True)
class Speed:
    """Images a second of training, validation included, and the seconds before its first step."""

    machine: str
    device: str
    encoder: str
    architecture: str
    height: int
    width: int
    images_per_second: float
    loading: float = LOADING


@dataclass(frozen=True, slots=True)
class Epoch:
    """The images or patches that an epoch trains on, and the images or windows that it validates."""

    trained: int
    validated: int

    @property
    def passes(self) -> float:
        """Its work in images that are trained on."""
        return self.trained + FORWARD * self.validated


def epoch_of(
    config: TrainConfig, training: int, validation: int, photo: tuple[int, int] | None = None
) -> Epoch:
    """The work of an epoch with this many images. `photo` is the usual height and width of the photos, which
    matters for patches alone."""
    training = min(training, config.training_images or training)
    validated = min(validation, config.validation_images or validation)
    window = Window.of(config)
    if window is None or photo is None:
        return Epoch(min(training, config.images_per_epoch or training), validated)
    each = math.ceil(math.prod(photo) / (config.height * config.width))
    return Epoch(config.images_per_epoch or training * each, validated * window.count(*photo))


def seconds(
    config: TrainConfig, training: int, validation: int, photo: tuple[int, int] | None = None
) -> float | None:
    """Seconds that a training with this many images takes here; None while nothing is measured, or where the
    table does not know the encoder. `photo` as for `epoch_of`."""
    if config.minutes:
        return 60 * config.minutes
    found = speed(config)
    if found is None:
        return None
    epoch = epoch_of(config, training, validation, photo)
    return (
        found.loading + (FORWARD * epoch.validated + config.epochs * epoch.passes) / found.images_per_second
    )


def speed(config: TrainConfig) -> Speed | None:
    """The speed of a training with these settings on all its devices; None like `seconds`."""
    known = [s for s in _known() if s.device == config.device]
    if not known:
        return None
    nearest = max(known, key=lambda s: (s.encoder == config.encoder, s.architecture == config.architecture))
    theirs, ours = _cost(nearest.encoder, nearest.architecture), _cost(config.encoder, config.architecture)
    if theirs is None or ours is None:
        return None
    area = config.height * config.width / (nearest.height * nearest.width)
    rate = nearest.images_per_second * theirs / (ours * area) * config.devices
    return replace(_speed_of(config, rate), loading=nearest.loading)


class Stopwatch:
    """Keeps the speed of a training from its events; `since` is the time.monotonic() at which it began."""

    def __init__(self, config: TrainConfig, since: float) -> None:
        self.config, self.since, self.loading = config, since, LOADING
        self.started: Started | None = None

    def __call__(self, event: Event) -> None:
        match event:
            case Started():
                self.started, self.loading = event, time.monotonic() - self.since
            case EpochEnd() if event.epoch and self.started:
                epoch = epoch_of(self.config, self.started.train_images, self.started.validation_images)
                if self.started.patches:
                    epoch = Epoch(self.started.patches, self.started.windows)
                if not self.config.minutes or event.seconds < 30 * self.config.minutes:  # else cut short
                    _note(self.config, epoch, event.seconds / event.epoch, self.loading)
                self.started = None


def note(config: TrainConfig, training: int, validation: int, epoch_seconds: float, loading: float) -> None:
    """Keep what the first epoch of a training took, unless other work has slowed it and more is known."""
    _note(config, epoch_of(config, training, validation), epoch_seconds, loading)


def _note(config: TrainConfig, epoch: Epoch, epoch_seconds: float, loading: float) -> None:
    if epoch_seconds <= 0 or not epoch.passes or (is_busy(own=_cores()) and is_known()):
        return
    rate = epoch.passes / epoch_seconds / config.devices
    _keep(replace(_speed_of(config, rate), loading=round(loading, 1)))


def is_busy(own: float = 0.0) -> bool:
    """Whether other work than a load of `own` has kept more than half of the cores busy for a minute."""
    return psutil.getloadavg()[0] > own + _cores() / 2


def is_known() -> bool:
    """Whether anything has been measured on this machine."""
    return bool(_known())


@needs("train")
def measure() -> None:
    """Time a few steps of the default network, which takes some ten seconds, in another process.

    Nothing is kept where that fails. Beside other work its processor time is what counts, which is less
    exact: then an earlier measurement stays.
    """
    if is_busy() and is_known():
        return
    command = [sys.executable, "-m", "core.training.encoder_benchmark", DEFAULT_ENCODER]
    command += ["--batch", str(MEASURED_BATCH)]
    try:
        done = subprocess.run(
            command, cwd=workspace.PROJECT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            check=True, timeout=MEASURE_SECONDS,
        )  # fmt: skip
        measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        rate = float(measured["images_per_second"])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError, KeyError):
        return
    if rate > 0:
        _keep(_speed_of(TrainConfig("-", height=measured["height"], width=measured["width"]), rate))


def _speed_of(config: TrainConfig, rate: float) -> Speed:
    return Speed(
        _machine(), config.device, config.encoder, config.architecture, config.height, config.width,
        round(rate, 3),
    )  # fmt: skip


def _known() -> list[Speed]:
    """What was measured on this machine, newest first."""
    try:
        listed: Iterable[dict[str, Any]] = read_json(_file()).get("speeds", [])
        speeds = [Speed(**values) for values in listed]
    except (UserError, TypeError, AttributeError):
        return []
    return [speed for speed in speeds if speed.machine == _machine()]


def _keep(speed: Speed) -> None:
    """The newest first, and one for each network, size and device."""
    others = [s for s in _known() if replace(s, images_per_second=0, loading=0)
              != replace(speed, images_per_second=0, loading=0)]  # fmt: skip
    write_json(_file(), {"speeds": [asdict(s) for s in [speed, *others][:KEPT]]})


def _file() -> Path:
    return workspace.cache() / "speeds.json"


def _cores() -> int:
    return os.cpu_count() or 1


def _machine() -> str:
    return f"{platform.node()}, {platform.machine()}, {_cores()} cores"


def _cost(encoder: str, architecture: str) -> float | None:
    """Relative time of a training step; None where the table does not know the encoder."""
    table = _table()
    if (encoder, architecture) in table:
        return 1 / table[encoder, architecture]
    rates = [table.get(key) for key in (
        (encoder, "Unet"), (DEFAULT_ENCODER, architecture), (DEFAULT_ENCODER, "Unet"),
    )]  # fmt: skip
    own, other, usual = rates
    return usual / (own * other) if own and other and usual else None


@functools.cache
def _table() -> dict[tuple[str, str], float]:
    """Images a second by encoder and architecture, on the machine of the table."""
    if not TABLE_FILE.is_file():
        return {}
    with open(TABLE_FILE, encoding="utf-8", newline="") as file:
        return {
            (row["encoder"], row["architecture"]): float(row["images_per_second"])
            for row in csv.DictReader(file)
            if float(row["images_per_second"]) > 0
        }
