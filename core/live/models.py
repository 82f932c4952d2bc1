"""Models as browsers run them: an ONNX file for each, made when it is first asked for, and after each epoch
of a model that is training. Imports no torch: networks are traced in a process of their own, once each.
"""

import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.errors import UserError
from core.export.file_metadata import file_metadata, metadata
from core.export.onnx_adapter import is_fixed, write_adapted
from core.export.weights import with_weights
from core.models import registry
from core.models.card import (
    CONFIG_FILE,
    WEIGHTS_FILE,
    ModelCard,
    is_model,
    is_onnx,
    read_card,
    weights_file,
)
from core.runs import run_folder
from core.runs.status import LIVE
from core.system import workspace
from core.system.logs import log
from core.system.score_names import named_score

State = Literal["ready", "preparing", "waiting", "failed"]
KEPT_FILES = 8
PREPARING = "Preparing the model for browsers, which takes a moment the first time …"
MOST_BYTES = 600_000_000  # of a network: browsers end a page that takes a few GB
TOO_LARGE = "This network is too large for browsers: use it on the Segment page."
WAITING = "The training has not finished its first epoch yet: this page shows its model as soon as it has."


@dataclass(frozen=True, slots=True)
class LiveModel:
    """A model for browsers. `file` and `card` are set if it is "ready"; `fixed`: its network takes one size
    alone; `version` changes with the weights; `changes`: it may become another, so pages ask again."""

    state: State
    message: str = ""
    file: Path | None = None
    card: ModelCard | None = None
    fixed: bool = False
    version: str = ""
    changes: bool = False


def live_model(model_id: str) -> LiveModel:
    """The model of this id (`registry.Entry.id`, also of a run that is training), as it is now. Starts what
    it needs and returns at once. Raises UserError if there is none."""
    folder, is_training = _find(model_id)
    if folder is None:
        return LiveModel("waiting", WAITING, changes=True)
    if is_onnx(folder):
        return _of_others(folder)
    version = hashlib.sha256(registry.weights_key(folder).encode()).hexdigest()[:16]
    file, template = _folder("models") / f"{version}.onnx", _template_of(folder)
    if not file.is_file():
        if error := _failed.get(template.name):
            return LiveModel("failed", error)
        if not template.is_file():
            _trace(folder, template)
            return LiveModel("preparing", PREPARING, changes=True)
        _fill(folder, template, file)
    card = read_card(folder)
    epoch = f"After another epoch: {named_score(card.scores)}." if is_training and card.scores else ""
    fixed = _is_fixed(template)
    return LiveModel("ready", epoch, file, card, fixed, version, changes=is_training)


def _of_others(place: Path) -> LiveModel:
    """A network that came as an ONNX file."""
    card, source = read_card(place), weights_file(place)
    if source.stat().st_size > MOST_BYTES:
        return LiveModel("failed", TOO_LARGE)
    version = hashlib.sha256(registry.predictions_key(place, card).encode()).hexdigest()[:16]
    file = _folder("models") / f"{version}.onnx"
    if version in _failed:
        return LiveModel("failed", _failed[version])
    with _one_filling:
        if not file.is_file():
            try:
                write_adapted(source, card, file)
            except UserError as error:
                _failed[version] = str(error)
                return LiveModel("failed", str(error))
            _delete_oldest(file.parent)
    return LiveModel("ready", "", file, card, is_fixed(card), version)


def file_of(version: str) -> Path | None:
    """The ONNX file of a version that `live_model` gave; None if it is gone."""
    if not version.isalnum():
        return None
    file = _folder("models") / f"{version}.onnx"
    return file if file.is_file() else None


def _find(model_id: str) -> tuple[Path | None, bool]:
    """The folder of a model, None if its training has not made it yet, and whether it is training."""
    run = run_folder.find(model_id)
    if run is not None:
        is_training = run.status().state in LIVE
        for folder in (run.folder / "last", run.best) if is_training else (run.best, run.folder / "last"):
            if is_model(folder):
                return folder, is_training
        if is_training:
            return None, True
    for entry in registry.list_models():
        if entry.id == model_id:
            return entry.folder, False
    raise UserError("There is no such model here: open the page again from the app.")


def _template_of(folder: Path) -> Path:
    """The traced network of a model; models of the same network share it."""
    card = read_card(folder)
    network = [
        (folder / CONFIG_FILE).read_text("utf-8"), card.architecture, card.height, card.width,
        importlib.metadata.version("torch"),
    ]  # fmt: skip
    name = hashlib.sha256(json.dumps(network).encode()).hexdigest()[:16]
    return _folder("networks") / f"{name}.onnx"


def _folder(name: str) -> Path:
    folder = workspace.cache() / "live" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


_one_at_a_time = threading.Lock()
_tracing: dict[str, threading.Thread] = {}
_failed: dict[str, str] = {}  # what cannot run in browsers, by the name of the network's file
_fixed: dict[str, bool] = {}


def _trace(folder: Path, template: Path) -> None:
    """Start tracing a network, one after the other; does nothing while it is being traced."""
    thread = _tracing.get(template.name)
    if thread is None or not thread.is_alive():
        thread = threading.Thread(target=_trace_now, args=(folder, template), daemon=True)
        _tracing[template.name] = thread
        thread.start()


def _trace_now(folder: Path, template: Path) -> None:
    with _one_at_a_time:
        command = [
            sys.executable,
            "-m",
            "core.export.template",
            str(folder.resolve()),
            str(template.resolve()),
        ]
        environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
        done = subprocess.run(
            command, cwd=workspace.PROJECT, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
    if not template.is_file():
        _failed[template.name] = _error_in(done.stdout)
        log("a model cannot run in browsers", reason=_failed[template.name])


def _error_in(output: str) -> str:
    try:
        return str(json.loads(output.strip().splitlines()[-1])["error"])
    except (ValueError, LookupError, TypeError):
        return "The model could not be prepared for browsers: the computer may have run out of memory."


def _fill(folder: Path, template: Path, file: Path) -> None:
    """Write the file of a model's current weights, and delete the oldest ones."""
    with _one_filling:
        if not file.is_file():
            about = metadata(read_card(folder), _is_fixed(template))
            with_weights(template, folder / WEIGHTS_FILE, about, file)
            _delete_oldest(file.parent)


def _delete_oldest(folder: Path) -> None:
    newest_first = sorted(folder.glob("*.onnx"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in newest_first[KEPT_FILES:]:
        old.unlink(missing_ok=True)


_one_filling = threading.Lock()


def _is_fixed(template: Path) -> bool:
    if template.name not in _fixed:
        _fixed[template.name] = bool(file_metadata(template)["size"])
    return _fixed[template.name]
