"""Temporary files of visitors, such as videos and zips: kept for a day and limited in total size."""

import time
from pathlib import Path

from core.system import workspace

KEPT_SECONDS = 24 * 3600
MAX_BYTES = 4_000_000_000  # of one kind


def folder(kind: str) -> Path:
    """The folder for files of this kind."""
    path = workspace.cache() / kind
    path.mkdir(parents=True, exist_ok=True)
    return path


def make_room(kind: str, coming: int = 0) -> None:
    """Delete files older than a day, then the oldest ones until `coming` more bytes fit into MAX_BYTES."""
    found = []
    for path in folder(kind).iterdir():
        try:
            seen = path.stat()
        except FileNotFoundError:  # deleted by another thread
            continue
        if time.time() - seen.st_mtime > KEPT_SECONDS:
            path.unlink(missing_ok=True)
        elif not path.name.startswith("."):  # being written
            found.append((seen.st_mtime, seen.st_size, path))
    total = coming + sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= MAX_BYTES:
            return
        path.unlink(missing_ok=True)
        total -= size
