"""Deletes data sets, runs and models of visitors after `keep_hours`, and caches."""

import math
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.data import demo
from core.errors import UserError
from core.policy.ownership import signature
from core.policy.permissions import OWNER, acting_as, needs
from core.policy.policy import current_policy
from core.runs import jobs
from core.system import workspace
from core.system.logs import log, log_error
from core.system.workspace import read_json

EVERY_SECONDS = 600.0


@needs("change")
def clean(hours: float, now: float | None = None) -> list[Path]:
    """Delete what visitors created, and caches, if unchanged for more than `hours`; returns what was deleted.

    What the owner or an admin created stays, and so do live runs and their data sets.
    """
    limit = (time.time() if now is None else now) - hours * 3600
    expired = [folder for folder in _candidates() if _changed(folder) < limit]
    for folder in expired:
        if folder.is_dir():
            shutil.rmtree(folder, ignore_errors=True)
        else:
            folder.unlink(missing_ok=True)
    return expired


def _candidates() -> Iterator[Path]:
    """What visitors created, and what can be computed again."""
    live = [*jobs.active(), *jobs.live_searches()]
    in_use = {demo.demo_folder().resolve(), *(Path(run.config.data).resolve() for run in live)}
    in_use |= {run.folder.resolve() for run in live}
    for place in (
        workspace.datasets(), workspace.runs(), workspace.searches(), workspace.models(), workspace.trash(),
    ):  # fmt: skip
        for folder in place.iterdir():
            if folder.resolve() not in in_use and (signature(folder).is_visitors or _is_unfinished(folder)):
                yield folder
    yield from _hub_downloads()
    for cache in workspace.cache().iterdir():
        # A training that is resumed reads the decoded pairs again.
        if cache.is_dir() and cache.name != "locks" and not (live and cache.name == "pairs"):
            yield from _disposable(cache)


def _hub_downloads() -> Iterator[Path]:
    """The cache of the hub's client, if it is inside the workspace, as in the container. Elsewhere other
    programs may use it."""
    from huggingface_hub import constants

    kept = Path(constants.HF_HUB_CACHE)
    if kept.is_relative_to(workspace.root()) and kept.is_dir():
        yield from (folder for folder in kept.iterdir() if folder.name.startswith(("models--", "datasets--")))


def _is_unfinished(folder: Path) -> bool:
    """Whether it is the unfinished result of an import or export. Recent ones may still be in progress."""
    return folder.name.startswith(".") and folder.suffix == ".part"


def _disposable(cache: Path) -> Iterator[Path]:
    """The entries of a cache that may be deleted. Strangers may not start evaluations and checks, so those
    that no visitor made stay as long as their data set."""
    if cache.name == "manifests":
        kept = {pointer: _read(pointer) for pointer in cache.glob("*.json")}
        of_use = {pointer for pointer, about in kept.items() if _is_there(str(about.get("data", "")))}
        tables = {str(kept[pointer].get("table")) for pointer in of_use}
        yield from (f for f in cache.iterdir() if f not in of_use and f.name not in tables)
        return
    for made in cache.iterdir():
        signed = signature(made)
        if signed.is_visitors or not _is_there(signed.made_from):
            yield made


def _read(file: Path) -> dict[str, Any]:
    try:
        return read_json(file)
    except UserError:
        return {}


def _is_there(folder: str) -> bool:
    return bool(folder) and Path(folder).is_dir()


def _changed(path: Path) -> float:
    """When it, or the newest file directly inside it, was last modified."""
    try:
        inside = list(path.iterdir()) if path.is_dir() else []
        return max(p.lstat().st_mtime for p in (path, *inside))
    except OSError:
        return time.time()  # it is being written or deleted


class Clock:
    """Notices when the system's clock is changed, which would make all files look old at once."""

    JUMP = 120.0  # seconds

    def __init__(self) -> None:
        self._apart = time.time() - time.monotonic()
        self._jumped = -math.inf

    def jumped_within(self, seconds: float) -> bool:
        """Whether it was changed since the last call, or within this many seconds before now."""
        apart = time.time() - time.monotonic()
        if abs(apart - self._apart) > self.JUMP:
            self._jumped = time.monotonic()
        self._apart = apart
        return time.monotonic() - self._jumped < seconds


def housekeeping() -> threading.Thread:
    """Start a thread that cleans regularly, as the policy says, while the server runs."""

    def keep() -> None:
        clock = Clock()
        while True:
            try:
                hours = current_policy().keep_hours
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
