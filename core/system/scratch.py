"""Files that are made for a visitor and fetched soon: kept for a day, and within a bound for all of them."""

import time
from pathlib import Path

from core.system import workspace

KEPT_SECONDS = 24 * 3600
MAX_BYTES = 4_000_000_000  # of one kind


def folder(kind: str) -> Path:
    """Where files of a kind are."""
    path = workspace.cache() / kind
    path.mkdir(parents=True, exist_ok=True)
    return path


def make_room(kind: str, coming: int = 0) -> None:
    """Delete what is older than a day, then the oldest until so many more bytes fit the bound."""
    found = []
    for path in folder(kind).iterdir():
        try:
            seen = path.stat()
        except FileNotFoundError:  # somebody else makes room
            continue
        if time.time() - seen.st_mtime > KEPT_SECONDS:
            path.unlink(missing_ok=True)
        elif not path.name.startswith("."):  # those are being written
            found.append((seen.st_mtime, seen.st_size, path))
    total = coming + sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= MAX_BYTES:
            return
        path.unlink(missing_ok=True)
        total -= size
