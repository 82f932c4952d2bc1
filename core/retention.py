"""What visitors left behind is deleted after a set time: data sets, runs, models, and all caches of them."""

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from core import jobs, workspace
from core.data import demo
from core.errors import UserError
from core.logs import log, log_error
from core.rules import rules
from core.runs import LIVE, Run

EVERY_SECONDS = 600.0


def clean(hours: float, now: float | None = None) -> list[Path]:
    """Delete what was last changed more than `hours` ago; returns what went. What trains stays."""
    limit = (time.time() if now is None else now) - hours * 3600
    gone = [folder for folder in _left_behind() if _changed(folder) < limit]
    for folder in gone:
        if folder.is_dir():
            shutil.rmtree(folder, ignore_errors=True)
        else:
            folder.unlink(missing_ok=True)
    return gone


def _left_behind() -> Iterator[Path]:
    live = jobs.active()
    needed = {demo.demo_folder().resolve(), *(Path(run.config.data).resolve() for run in live)}
    yield from (folder for folder in workspace.datasets().iterdir() if folder.resolve() not in needed)
    for folder in workspace.runs().iterdir():
        if not folder.is_dir() or Run(folder).status().state not in LIVE:
            yield folder
    yield from workspace.models().iterdir()
    yield from workspace.trash().iterdir()
    for cache in workspace.cache().iterdir():
        # A training reads the decoded pairs again when it is resumed.
        if cache.is_dir() and cache.name != "locks" and not (live and cache.name == "pairs"):
            yield from cache.iterdir()


def _changed(path: Path) -> float:
    """When the newest file right in it, or it itself, was written."""
    try:
        inside = list(path.iterdir()) if path.is_dir() else []
        return max(p.lstat().st_mtime for p in (path, *inside))
    except OSError:
        return time.time()  # somebody is at work on it


def housekeeping() -> threading.Thread:
    """Clean now and then while the server runs, as its rules say."""

    def keep() -> None:
        while True:
            try:
                if (hours := rules().keep_hours) and (gone := clean(hours)):
                    log("cleaned", folders=len(gone))
            except (UserError, OSError) as error:
                log_error("cleaning failed", error)
            time.sleep(EVERY_SECONDS)

    thread = threading.Thread(target=keep, daemon=True, name="housekeeping")
    thread.start()
    return thread
