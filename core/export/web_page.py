"""A model as a web page that runs it in the browser: a folder for any static host. Imports no torch.

The page is the files in web/, the same that the app serves; beside them lie the model, model.json, which
describes it, ONNX Runtime Web where it is here, and what makes the page work without a network.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import UserError
from core.export import web_runtime
from core.export.file_metadata import metadata
from core.imaging.palette import hex_colours
from core.models.card import ModelCard, purpose, score_with_interval
from core.system.score_names import LABELS
from core.system.workspace import safe_name, write_json

ASSETS = Path(__file__).with_name("web")
ABOUT_FILE, WORKER_FILE, MANIFEST_FILE = "model.json", "service-worker.js", "manifest.webmanifest"
RUNTIME_FOLDER = "runtime"
FULL, INT8 = "full", "int8"
WINDOWED_SIDE = 640  # pixels, for models that see photos in windows at their own size, as cameras have it
EXPORTED = '<meta name="exported" content="yes">'


def describe(card: ModelCard, fixed: bool, version: str, base: str) -> dict[str, Any]:
    """What the page must know of a model, without its files. `fixed`: the network takes one size alone;
    `version` changes with the weights; `base` is the address of the runtime's folder."""
    # The rest of how a network from elsewhere is used is in its file: core.export.onnx_adapter.
    adapted = {"mean": [0, 0, 0], "std": [1, 1, 1], "fit": card.onnx.fit} if card.onnx else {}
    return {
        **metadata(card, fixed),
        **adapted,
        "long_side": card.long_side or WINDOWED_SIDE,
        "state": "ready",
        "message": "",
        "version": version,
        "file_name": _file_name(card),
        "purpose": ". ".join(part for part in (purpose(card), _frames(card)) if part),
        "colours": hex_colours(card.task.outputs),
        "card": facts(card),
        "runtime": web_runtime.addresses(base),
    }


def model_file(path: Path, url: str, precision: str = FULL) -> dict[str, Any]:
    """An ONNX file for the description's list `files`."""
    return {"url": url, "precision": precision, "bytes": path.stat().st_size}


def facts(card: ModelCard) -> list[tuple[str, str]]:
    """The model's card in pairs of label and value, without settings and paths."""
    found = [
        ("Model", f"{card.architecture} with {card.encoder}" if card.encoder else card.architecture),
        ("Classes", ", ".join(card.task.classes) if card.task.kind != "binary" else ""),
        ("Trained on", card.data),
        ("Trained", card.created[:10]),
        *((LABELS[key], score_with_interval(card, key)) for key in LABELS if key in card.scores),
        ("Scored on", card.scored_on),
        ("Licence of the data", card.data_licence),
        ("Licence of the encoder's weights", card.weights_licence),
    ]
    return [(label, value) for label, value in found if value]


def write_page(folder: Path, card: ModelCard, fixed: bool, models: Mapping[str, Path]) -> None:
    """Write the page into a new folder. `models`: ONNX files by precision, FULL, INT8 or both; they are
    copied. Without the runtime here, the page loads it from the CDN."""
    shutil.copytree(ASSETS, folder)
    files = []
    for precision, path in models.items():
        shutil.copyfile(path, folder / path.name)
        files.append(model_file(path, path.name, precision))
    local = web_runtime.is_here()
    if local:
        web_runtime.copy_runtime(folder / RUNTIME_FOLDER)
    version = _version(folder)
    base = f"{RUNTIME_FOLDER}/" if local else web_runtime.CDN
    about = {**describe(card, fixed, version, base), "files": files}
    write_json(folder / ABOUT_FILE, about)
    _replace(folder / WORKER_FILE, "VERSION", version)
    _replace(folder / "index.html", "<title>", f"{EXPORTED}\n  <title>")
    write_json(folder / MANIFEST_FILE, manifest(card))


def _frames(card: ModelCard) -> str:
    if card.window is None:
        return ""
    return (
        f"Trained on parts of photos at full resolution: here it sees whole frames, at most {WINDOWED_SIDE} "
        "pixels wide or high, and may miss small things that it finds in photos."
    )


def manifest(card: ModelCard) -> dict[str, Any]:
    """The web app manifest, with which phones put the page among their apps."""
    icon = {"src": "icon.svg", "type": "image/svg+xml", "sizes": "any"}
    return {
        "name": card.name, "short_name": card.name[:30], "display": "standalone", "start_url": "./",
        "background_color": "#ffffff", "theme_color": "#0072b2", "icons": [icon],
    }  # fmt: skip


def _file_name(card: ModelCard) -> str:
    try:
        return safe_name(card.name)
    except UserError:  # of signs alone
        return "model"


def _version(folder: Path) -> str:
    """A hash of all files, by which a browser tells this export from an earlier one at the same address."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(json.dumps([path.name, path.stat().st_size]).encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text, f"{path.name} has no {old}"
    path.write_text(text.replace(old, new), "utf-8")
