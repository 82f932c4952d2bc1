"""The data sets of the workspace."""

from pathlib import Path

from core.data.dataset import DATASET_FILE
from core.errors import UserError
from core.policy import trash
from core.policy.folders import may_open
from core.policy.permissions import needs
from core.policy.trash import Deleted
from core.system import workspace
from core.system.workspace import read_json, safe_name


def list_datasets() -> list[Path]:
    """The workspace's data sets, by name."""
    return sorted(p for p in workspace.datasets().iterdir() if p.is_dir() and not p.name.startswith("."))


@needs("add")
def new_folder(name: str) -> Path:
    """Where a data set of this name goes. Raises UserError when there is one already."""
    folder = workspace.datasets() / safe_name(name, "data set name")
    if folder.exists():
        raise UserError(f"There is a data set '{folder.name}' already: choose another name.")
    return folder


@needs("change")
def delete_dataset(folder: Path) -> Deleted:
    """Move a data set of the workspace to the trash; `trash.restore` undoes it. Raises UserError for any
    other folder."""
    if not is_owned(folder):
        raise UserError(f"{folder} is not a data set of this workspace, so it is not deleted.")
    return trash.move_to_trash(folder, display_name(folder))


def is_owned(folder: Path) -> bool:
    """Whether this is a data set of the workspace, which may be changed."""
    return folder.resolve().parent == workspace.datasets().resolve()


def display_name(folder: Path) -> str:
    """The name that the data set's own dataset.json gives, else its folder's."""
    if not may_open(folder):
        return folder.name
    try:
        return str(read_json(folder / DATASET_FILE).get("name") or folder.name)
    except UserError:
        return folder.name
