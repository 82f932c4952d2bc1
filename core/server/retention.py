"""What visitors left behind is deleted after a set time: data sets, runs, models, and all caches of them."""

import math
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from core.data import demo
from core.errors import UserError
from core.policy.permissions import OWNER, acting_as, needs
from core.policy.policy import rules
from core.runs import jobs
from core.runs.run_folder import LIVE, Run
from core.system import workspace
from core.system.logs import log, log_error

EVERY_SECONDS = 600.0


@needs("change")
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


class Clock:
    """Notices when the wall clock is set: by it, all files would be old at once."""

    JUMP = 120.0  # seconds

    def __init__(self) -> None:
        self._apart = time.time() - time.monotonic()
        self._jumped = -math.inf

    def jumped_within(self, seconds: float) -> bool:
        """Whether it was set since the last look, or during so many seconds before now."""
        apart = time.time() - time.monotonic()
        if abs(apart - self._apart) > self.JUMP:
            self._jumped = time.monotonic()
        self._apart = apart
        return time.monotonic() - self._jumped < seconds


def housekeeping() -> threading.Thread:
    """Clean now and then while the server runs, as its rules say."""

    def keep() -> None:
        clock = Clock()
        while True:
            try:
                hours = rules().keep_hours
                if hours and not clock.jumped_within(hours * 3600) and (gone := clean(hours)):
                    log("cleaned", folders=len(gone))
            except (UserError, OSError) as error:
                log_error("cleaning failed", error)
            time.sleep(EVERY_SECONDS)

    def keep_as_owner() -> None:
        with acting_as(OWNER):
            keep()

    thread = threading.Thread(target=keep_as_owner, daemon=True, name="housekeeping")
    thread.start()
    return thread
