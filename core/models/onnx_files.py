"""ONNX files from elsewhere as models: their cards, their import, and those that rembg has downloaded."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import cv2
import numpy as np
from numpy.typing import NDArray

from core.data.photos import read_photo
from core.data.samples import SAMPLES, sample_bytes
from core.errors import UserError, system_said
from core.imaging.rendering import label_overlay
from core.models.card import ONNX_FILE, ONNX_SUFFIX, ModelCard, write_card
from core.models.onnx_check import MAX_BYTES, inspect, trial
from core.models.onnx_families import Guess, family_of, guessed
from core.models.onnx_spec import OnnxSpec
from core.models.onnx_trial import MAX_OUTPUT_BYTES
from core.policy.ownership import sign
from core.policy.permissions import allowed, needs
from core.system import workspace
from core.system.atomic import atomic_folder
from core.task import Task

Picture = NDArray[np.uint8]
PREVIEWED, PREVIEW_SIDE = list(SAMPLES)[:2], 400  # pixels of the longer side
# Where rembg keeps what it downloads. Source: its README, "Models".
REMBG_HOME, REMBG_FOLDER = "U2NET_HOME", ".u2net"


@dataclass(frozen=True, slots=True)
class Tried:
    """What one run on a photo gave: the shape of each output, "1x1x320x320", and for a spec that fits its
    logits, float32 (outputs, h, w), or the `problem` with it."""

    shapes: tuple[str, ...]
    logits: NDArray[np.float32] | None
    problem: str = ""


def card_of(guess: Guess, name: str) -> ModelCard:
    """The card of a file that is used as guessed."""
    spec = guess.spec
    return ModelCard(
        name, spec.family or "ONNX network", "", "",
        height=spec.height, width=spec.width, long_side=spec.long_side, threshold=guess.threshold,
        subject=guess.subject, weights_licence=guess.licence, task=guess.task, onnx=spec,
    )  # fmt: skip


def card_by_name(file: Path) -> ModelCard:
    """The card of a file of a known family, by its name alone. Raises UserError for any other."""
    family = family_of(file.name)
    if family is None:
        raise UserError(f"{file.name} is of no known family: import it on the Models page.")
    guess = Guess(family.spec, Task(), True, family.subject, family.licence)
    return card_of(guess, file.stem)


@needs("add")
def checked_card(file: Path) -> tuple[ModelCard, bool]:
    """The card of a file, which is opened and run once in a process of its own, and whether its preprocessing
    is known or assumed. Raises UserError for a file that cannot be used."""
    guess = guessed(inspect(file), file.name)
    found = try_on(file, np.zeros((64, 48, 3), np.uint8), guess.spec, guess.task)
    if found.logits is None:
        raise UserError(f"{file.name}: {found.problem}")
    return card_of(guess, file.stem), guess.is_known


@needs("add")
def try_on(file: Path, photo: Picture, spec: OnnxSpec, task: Task, name: str = "") -> Tried:
    """Run the file once on a photo, uint8 (h, w, 3), in a process of its own. Raises UserError if that fails
    altogether; what does not fit the spec is a problem of the result."""
    fitted, inner = spec.fitted(photo)
    given = trial(file, spec.tensor(fitted[None]), name)
    shapes = tuple("x".join(map(str, each.shape)) or "a number" for each in given)
    try:
        if spec.output >= len(given):
            raise UserError(f"There is no output {spec.output + 1}: the network has {len(given)}.")
        if not given[spec.output].size:
            raise UserError(
                f"Output {spec.output + 1} gives whole numbers, or more than {MAX_OUTPUT_BYTES >> 20} MB: a "
                "map of probabilities or logits is needed."
            )
        if not np.isfinite(given[spec.output]).any():
            raise UserError(f"Output {spec.output + 1} gives no numbers: choose another, or other values.")
        logits = spec.logits(given[spec.output], task, (fitted.shape[0], fitted.shape[1]))
    except UserError as error:
        return Tried(shapes, None, str(error))
    return Tried(shapes, logits[0, :, : inner[0], : inner[1]])


@dataclass(frozen=True, slots=True)
class Preview:
    """Sample photos with what the network finds tinted, uint8 (h, w, 3), or the `problem` with it."""

    pictures: tuple[Picture, ...] = ()
    problem: str = ""


@needs("add")
def guess_of_upload(source: IO[bytes], name: str) -> Guess:
    """How an uploaded file is to be used. Raises UserError like `onnx_check.inspect`."""
    with _held(source) as file:
        return guessed(inspect(file, name), name)


@needs("add")
def preview(source: IO[bytes], name: str, spec: OnnxSpec, task: Task) -> Preview:
    """What an uploaded file finds in sample photos if it is used so. Raises UserError like `try_on`."""
    pictures = []
    with _held(source) as file:
        for title in PREVIEWED:
            photo = read_photo(sample_bytes(title), SAMPLES[title].file_name, max_side=PREVIEW_SIDE)
            found = try_on(file, photo, spec, task, name)
            if found.logits is None:
                return Preview(problem=found.problem)
            pictures.append(_tinted(photo, found.logits, task))
    return Preview(tuple(pictures))


def _tinted(photo: Picture, logits: NDArray[np.float32], task: Task) -> Picture:
    size = photo.shape[1], photo.shape[0]
    fitted = [cv2.resize(each, size, interpolation=cv2.INTER_LINEAR) for each in logits]
    if task.kind == "binary":
        labels = fitted[0] >= 0
    elif task.kind == "multiclass":
        labels = np.stack(fitted).argmax(axis=0)
    else:
        labels = sum((each >= 0).astype(np.uint8) << bit for bit, each in enumerate(fitted))
    return label_overlay(photo, np.asarray(labels, np.uint8), task)


@contextlib.contextmanager
def _held(source: IO[bytes]) -> Iterator[Path]:
    """An upload as a file on the disk, for as long as another process reads it."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / ONNX_FILE
        _copy(source, file)
        yield file


@needs("add")
def import_onnx(source: Path | IO[bytes], name: str, spec: OnnxSpec, task: Task, subject: str = "") -> Path:
    """Copy an ONNX file into the registry, to be used as `spec` says; returns its folder.

    The file is opened and run once, in a process of its own, before it is kept. Raises UserError, leaving
    nothing, for one that cannot be used.
    """
    target = workspace.models() / workspace.safe_name(name, "model's name")
    if target.exists():
        raise UserError(f"There is a model called {target.name} already: choose another name.")
    try:
        with atomic_folder(target) as making:
            file = making / ONNX_FILE
            _copy(source, file)
            found = try_on(file, np.zeros((64, 48, 3), np.uint8), spec, task, target.name)
            if found.logits is None:
                raise UserError(found.problem)
            card = card_of(Guess(spec, task, True, subject), name)
            write_card(making, card)
            sign(making)
    except OSError as error:
        raise UserError(f"The model was not imported: {system_said(error)}.") from error
    return target


def _copy(source: Path | IO[bytes], target: Path) -> None:
    if isinstance(source, Path):
        with open(source, "rb") as stream:
            _copy(stream, target)
        return
    if source.seek(0, os.SEEK_END) > MAX_BYTES:
        raise UserError(f"The file is larger than the {MAX_BYTES // 10**6:,} MB that an ONNX file may have.")
    source.seek(0)
    with open(target, "wb") as file:
        shutil.copyfileobj(source, file)


def found_of_rembg() -> Sequence[Path]:
    """The files that rembg has downloaded and whose family is known, for those who may use this machine."""
    if not allowed("machine"):
        return []
    home = os.environ.get(REMBG_HOME) or os.environ.get("XDG_DATA_HOME", "~") + f"/{REMBG_FOLDER}"
    try:
        files = sorted(Path(home).expanduser().glob(f"*{ONNX_SUFFIX}"))
    except (OSError, RuntimeError):
        return []
    return [file for file in files if family_of(file.name) is not None]
