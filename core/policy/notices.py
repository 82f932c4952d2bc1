"""Which notices a signed-in person has dismissed, kept in the workspace; the browser remembers for others."""

from pathlib import Path
from typing import Literal

from core.errors import UserError
from core.policy.permissions import visitor
from core.system import workspace
from core.system.workspace import make_folder, read_json, write_json

Notice = Literal["start_here"]


def is_dismissed(notice: Notice) -> bool:
    """Whether the current person has dismissed it; False if they have not signed in."""
    return notice in _dismissed()


def dismiss(notice: Notice) -> None:
    """Never show it to the current person again. Does nothing if they have not signed in.

    Raises UserError if it cannot be written.
    """
    if not visitor().email:
        return
    file = _file()
    make_folder(file.parent)
    write_json(file, {"dismissed": sorted({*_dismissed(), notice})})


def _dismissed() -> set[str]:
    if not visitor().email or not _file().is_file():
        return set()
    try:
        kept = read_json(_file()).get("dismissed", [])
    except UserError:  # damaged: the notice is shown once more
        return set()
    return {str(notice) for notice in kept} if isinstance(kept, list) else set()


def _file() -> Path:
    """Named by the person's mark, a hash, so that the folder lists no addresses."""
    return workspace.root() / "people" / f"{visitor().mark}.json"
