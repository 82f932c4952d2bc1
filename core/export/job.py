"""An export in a process of its own, since it takes memory and half a minute and may be cancelled."""

import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from core.errors import UserError
from core.export.formats import CHECKPOINT, FORMATS, REPORT_FILE
from core.policy.folders import require_folder
from core.policy.permissions import needs
from core.system import workspace
from core.system.workspace import safe_name

KEPT_SECONDS = 24 * 3600


@needs("train")
def run_export(model: Path, name: str, formats: Sequence[str], data: Path | None) -> Iterator[str | Path]:
    """Export a saved model; yields a sentence for each step, then the path of the zip.

    The zip also holds the checkpoint, whatever the formats, so that it can be imported again. The process
    ends when the caller stops iterating. Raises UserError if the export fails.
    """
    for folder in (model, data) if data else (model,):
        require_folder(folder)  # the process acts as the owner
    wanted = [key for key in FORMATS if key in {*formats, CHECKPOINT}]
    folder = _new_folder() / safe_name(name, "model's name")
    command = [
        sys.executable, "-m", "core", "export", "--model", str(model.resolve()), "--out", str(folder),
        "--formats", ",".join(wanted), "--json", *(["--data", str(data)] if data else []),
    ]  # fmt: skip
    child = subprocess.Popen(
        command, cwd=workspace.PROJECT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True, env={**os.environ, "OMP_WAIT_POLICY": "passive"},
    )  # fmt: skip
    error = "The export stopped without a message: the computer may have run out of memory."
    try:
        assert child.stdout is not None
        for line in child.stdout:
            said = _object_in(line)
            error = str(said.get("error", error))
            if "step" in said:
                yield str(said["step"])
        if child.wait() != 0:
            raise UserError(error)
    finally:
        child.kill()
        child.wait()
    yield Path(shutil.make_archive(str(folder), "zip", folder.parent, folder.name))
    shutil.rmtree(folder, ignore_errors=True)


def _object_in(line: str) -> dict[str, Any]:
    """A line of the command's output as a JSON object; empty if it is not one."""
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def report_of(packed: Path) -> dict[str, Any]:
    """The report of an export, read from its zip."""
    with zipfile.ZipFile(packed) as archive:
        return dict(json.loads(archive.read(f"{packed.stem}/{REPORT_FILE}")))


def _new_folder() -> Path:
    """A new folder for an export. Those older than a day are deleted."""
    parent = workspace.cache() / "exports"
    parent.mkdir(parents=True, exist_ok=True)
    for old in parent.iterdir():
        if time.time() - old.stat().st_mtime > KEPT_SECONDS:
            shutil.rmtree(old, ignore_errors=True)
    folder = parent / str(time.time_ns())
    folder.mkdir()
    return folder
