"""What was deleted, kept for a while so that it can come back."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from core.errors import UserError, system_said
from core.policy.permissions import needs
from core.system import workspace

KEPT_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Thrown:
    """A folder that was put away: what it is called, where it is now and where it was."""

    name: str
    now: Path
    was: Path


@needs("change")
def throw(folder: Path, name: str) -> Thrown:
    """Move a folder into the trash, on the same disk: nothing is copied, so it takes no time.

    What was thrown more than a week ago is deleted. Raises UserError where it cannot be moved.
    """
    _empty()
    target = workspace.trash() / f"{time.time_ns()}-{folder.name}"
    try:
        folder.rename(target)
    except OSError as error:
        raise UserError(f"{name} cannot be deleted: {system_said(error)}.") from error
    return Thrown(name, target, folder)


@needs("change")
def bring_back(thrown: Thrown) -> None:
    """Undo. Raises UserError where something else has taken its place, or it is gone for good."""
    if thrown.was.exists():
        raise UserError(f"{thrown.name} cannot come back: {thrown.was} exists again.")
    try:
        thrown.now.rename(thrown.was)
    except OSError as error:
        raise UserError(f"{thrown.name} is gone for good: {system_said(error)}.") from error


def _empty() -> None:
    for old in workspace.trash().iterdir():
        stamp = old.name.split("-", 1)[0]
        if stamp.isdigit() and time.time() - int(stamp) / 1e9 > KEPT_SECONDS:
            shutil.rmtree(old, ignore_errors=True)
