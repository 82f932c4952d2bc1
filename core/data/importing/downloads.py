"""Data sets by name: from Kaggle with kagglehub, from the Hugging Face hub with huggingface_hub."""

from collections.abc import Iterator
from pathlib import Path

from core.data.importing.sources import FolderSource, Source, ZipSource
from core.data.importing.tables import with_tables
from core.policy.permissions import needs
from core.system import downloads
from core.system.downloads import Progress, in_background, repository_name, require_reachable

TUTORIAL_SET = "tapakah68/supervisely-filtered-segmentation-person-dataset"
INSTEAD = "download the data set elsewhere and import its zip here"


@needs("machine")
def from_kaggle(name: str) -> Iterator[Progress | Path]:
    """Download a public Kaggle data set, OWNER/NAME. Yields Progress, then the folder it lies in.

    Raises UserError when there is no such set, no network, or it asks for an account.
    """
    handle = repository_name(name, "https://www.kaggle.com/datasets/")
    require_reachable(_kaggle_address(), "Kaggle", INSTEAD)
    import kagglehub
    from kagglehub.cache import get_cached_archive_path
    from kagglehub.handle import parse_dataset_handle

    archives = Path(get_cached_archive_path(parse_dataset_handle(handle))).parent
    yield from in_background(lambda: Path(kagglehub.dataset_download(handle)), archives, f"Kaggle's {handle}")


@needs("machine")
def from_hub(name: str) -> Iterator[Progress | Path]:
    """Download a data set of the Hugging Face hub, OWNER/NAME. Yields Progress, then its folder.

    Raises UserError when there is no such set, no network, or it asks for an account.
    """
    handle = repository_name(name, "https://huggingface.co/datasets/")
    yield from downloads.from_hub(handle, "dataset", INSTEAD)


@needs("machine")
def downloaded_source(folder: Path) -> Source:
    """What was downloaded, ready to be recognised: a folder, the one archive in it, or its tables."""
    # The hub's client keeps contents in blobs/ and links to them from snapshots/COMMIT/.
    source = FolderSource(folder, folder.parent.parent if folder.parent.name == "snapshots" else None)
    archives = sorted(p for p in folder.rglob("*.zip") if p.is_file())
    if not source.names and len(archives) == 1:
        return ZipSource(archives[0])
    return with_tables(source)


def _kaggle_address() -> str:
    from kagglesdk.kaggle_env import get_endpoint, get_env

    return str(get_endpoint(get_env()))
