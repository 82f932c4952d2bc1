"""Named groups of images that a person has collected, such as "hair" or "wrong label"."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from filelock import FileLock

from core.errors import UserError
from core.policy.folders import require_folder
from core.policy.permissions import needs
from core.system import workspace
from core.system.workspace import read_json, write_json

MAX_NAME = 60


def read_groups(root: Path) -> dict[str, list[str]]:
    """The groups of a data set: name to image names, both in order."""
    require_folder(root)
    file = _file(root)
    if not file.is_file():
        return {}
    groups = read_json(file).get("groups", {})
    return {str(k): sorted(str(name) for name in names) for k, names in sorted(groups.items())}


@needs("change")
def put(root: Path, group: str, names: Sequence[str]) -> None:
    """Add images to a group, which is created with its first. Raises UserError for an empty name."""
    group = " ".join(group.split())
    if not 0 < len(group) <= MAX_NAME:
        raise UserError(f"A group's name has 1 to {MAX_NAME} characters.")
    _change(root, group, lambda before: before | set(names))


@needs("change")
def take_out(root: Path, group: str, names: Sequence[str]) -> None:
    """Remove images from a group, which is deleted with its last."""
    _change(root, group, lambda before: before - set(names))


def _change(root: Path, group: str, work: Callable[[set[str]], set[str]]) -> None:
    file = _file(root)
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(file.with_name(f".{file.name}.lock")):
        groups = read_groups(root)
        left = work(set(groups.pop(group, ())))
        if left:
            groups[group] = sorted(left)
        write_json(file, {"data": str(root), "groups": groups})


def _file(root: Path) -> Path:
    name = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:24]
    return workspace.root() / "groups" / f"{name}.json"
