"""Which folders of this machine the one who asks may have opened: the app's own, or any with `machine`."""

from pathlib import Path

from core.errors import UserError
from core.policy.permissions import allowed, refusal
from core.system import workspace


def may_open(folder: Path) -> bool:
    """Whether it lies, links followed, among the data sets, runs and models of the app, or whoever asks may
    name folders of the machine. Says nothing of whether it is there."""
    if allowed("machine"):
        return True
    own = (workspace.datasets(), workspace.runs(), workspace.models(), workspace.SHIPPED_MODELS)
    try:
        there = folder.resolve()
        return any(there.is_relative_to(place.resolve()) for place in own)
    except (OSError, RuntimeError, ValueError):  # links in a circle, or no path at all
        return False


def require_folder(folder: Path) -> None:
    """Raises UserError, in the same words whether it is there or not, where `may_open` does not hold."""
    if not may_open(folder):
        raise UserError(refusal("machine"))
