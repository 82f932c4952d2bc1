"""Which folders the current person may open: those of the workspace, or any with permission `machine`."""

from pathlib import Path

from core.errors import UserError
from core.policy.permissions import allowed, refusal
from core.system import workspace


def may_open(folder: Path) -> bool:
    """Whether the folder, with links resolved, is inside the data sets, runs or models of the app, or the
    current person has the permission `machine`. Does not reveal whether it exists."""
    if allowed("machine"):
        return True
    own = (workspace.datasets(), workspace.runs(), workspace.models(), workspace.SHIPPED_MODELS)
    try:
        resolved = folder.resolve()
        return any(resolved.is_relative_to(place.resolve()) for place in own)
    except (OSError, RuntimeError, ValueError):  # a loop of links, or not a path
        return False


def require_folder(folder: Path) -> None:
    """Raises UserError unless `may_open`, with the same message whether the folder exists or not."""
    if not may_open(folder):
        raise UserError(refusal("machine"))
