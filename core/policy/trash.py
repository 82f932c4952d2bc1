"""The trash: deleted folders are kept for a week and can be restored."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from core.errors import UserError, system_said
from core.policy.permissions import needs
from core.system import workspace

KEPT_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Deleted:
    """A deleted folder: the name to show, where it is now and where it was."""

    name: str
    now: Path
    was: Path


@needs("change")
def move_to_trash(folder: Path, name: str) -> Deleted:
    """Move a folder into the trash of the same disk, so nothing is copied.

    Also removes what has been in the trash for more than a week. Raises UserError if it cannot be moved.
    """
    _remove_expired()
    target = workspace.trash() / f"{time.time_ns()}-{folder.name}"
    try:
        folder.rename(target)
    except OSError as error:
        raise UserError(f"{name} cannot be deleted: {system_said(error)}.") from error
    return Deleted(name, target, folder)


@needs("change")
def restore(deleted: Deleted) -> None:
    """Move it back. Raises UserError if its place is taken, or if it is no longer in the trash."""
    if deleted.was.exists():
        raise UserError(f"{deleted.name} cannot be restored: {deleted.was} exists again.")
    try:
        deleted.now.rename(deleted.was)
    except OSError as error:
        raise UserError(f"{deleted.name} cannot be restored: {system_said(error)}.") from error


def _remove_expired() -> None:
    for old in workspace.trash().iterdir():
        stamp = old.name.split("-", 1)[0]
        if stamp.isdigit() and time.time() - int(stamp) / 1e9 > KEPT_SECONDS:
            shutil.rmtree(old, ignore_errors=True)
