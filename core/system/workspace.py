"""The workspace: folders for data sets, runs, models and caches, and reading and writing files in it."""

import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

from core.errors import NotWrittenError, UserError, system_said
from core.system.file_names import short_stem

PROJECT = Path(__file__).resolve().parents[2]
SHIPPED_MODELS = PROJECT / "checkpoints"


def root() -> Path:
    """The workspace folder: $SEGMENTATION_STUDIO_WORKSPACE, else `workspace/` in the project."""
    return Path(os.environ.get("SEGMENTATION_STUDIO_WORKSPACE") or PROJECT / "workspace")


def datasets() -> Path:
    return _made(root() / "datasets")


def runs() -> Path:
    return _made(root() / "runs")


def searches() -> Path:
    """Searches over settings; their trials are in `runs`."""
    return _made(root() / "searches")


def models() -> Path:
    """Imported models; those trained here are in their runs."""
    return _made(root() / "models")


def trash() -> Path:
    return _made(root() / "trash")


def cache() -> Path:
    return _made(root() / "cache")


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"The workspace folder {folder} cannot be created: {system_said(error)}. "
            "Set SEGMENTATION_STUDIO_WORKSPACE to a folder you may write to."
        ) from error
    return folder


def make_folder(folder: Path) -> None:
    """Create a folder and its parents. Raises UserError if that is not possible."""
    if folder.is_file():
        raise UserError(f"{folder} is a file: name a folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotWrittenError(f"The folder {folder} cannot be created: {system_said(error)}.") from error


def file_to_write(path: Path) -> Path:
    """Create the folder of a file, and return the file's path. Raises UserError if the path is a folder, or
    its folder cannot be created."""
    if path.is_dir():
        raise UserError(f"{path} is a folder: name a file.")
    make_folder(path.parent)
    return path


def safe_name(text: str, what: str = "name") -> str:
    """A user's text as a folder name: letters of any script, digits, dots, dashes, underscores.

    Raises UserError if nothing usable is left.
    """
    name = re.sub(r"[^\w.-]+", "-", text.strip(), flags=re.UNICODE).strip("-._")
    name = short_stem(name[:80], 160).strip("-._")
    if not name:
        raise UserError(f"'{text}' cannot be a {what}: use at least one letter or digit.")
    return name


def write_atomically(path: Path, content: str | bytes) -> None:
    """Replace a file so that readers see the old or the new content, never a part, even after a crash.

    Raises UserError, leaving the old file unchanged, if the disk is full or not writable.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        _write_and_replace(path, data)
    except OSError as error:
        raise cannot_write(path, error) from error


def _write_and_replace(path: Path, data: bytes) -> None:
    # A short prefix, so that the temporary name is valid whenever the file's own is.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:20]}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def cannot_write(path: Path, error: OSError) -> NotWrittenError:
    """The error for a file or folder that cannot be written or removed."""
    return NotWrittenError(f"{path.name} in {path.parent} cannot be written: {system_said(error)}.")


def read_json(path: Path, way_out: str = "") -> dict[str, Any]:
    """Read a JSON object. Raises UserError, naming the file, if that fails; `way_out` is a sentence with
    advice, added if the content is at fault."""
    advice = f" {way_out}" if way_out else ""
    try:
        value = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UserError(f"{path.name} in {path.parent} cannot be read: {system_said(error)}.") from error
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise UserError(f"{path.name} in {path.parent} cannot be read as JSON: {error}.{advice}") from error
    if not isinstance(value, dict):
        raise UserError(f"{path.name} in {path.parent} should hold a JSON object.{advice}")
    return value


def write_json(path: Path, value: Any) -> None:
    write_atomically(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
