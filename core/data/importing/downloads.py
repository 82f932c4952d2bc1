"""Data sets by name: from Kaggle with kagglehub, from the Hugging Face hub with huggingface_hub.

Both clients keep what they have and go on with a broken download where it ended. Both take long to
find out that there is no network, so the server is asked for two seconds first.
"""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from core.data.importing.sources import FolderSource, Source, ZipSource
from core.data.importing.tables import with_tables
from core.errors import UserError

TUTORIAL_SET = "tapakah68/supervisely-filtered-segmentation-person-dataset"
PROBE_SECONDS = 2.0
POLL_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Progress:
    """How many bytes have come so far; how many there will be is not known."""

    received: int


def from_kaggle(name: str) -> Iterator[Progress | Path]:
    """Download a public Kaggle data set, OWNER/NAME. Yields Progress, then the folder it lies in.

    Raises UserError when there is no such set, no network, or it asks for an account.
    """
    handle = _handle(name, "https://www.kaggle.com/datasets/")
    _probe(_kaggle_address(), "Kaggle")
    import kagglehub
    from kagglehub.cache import get_cached_archive_path
    from kagglehub.handle import parse_dataset_handle

    archives = Path(get_cached_archive_path(parse_dataset_handle(handle))).parent
    yield from _in_background(
        lambda: Path(kagglehub.dataset_download(handle)), archives, f"Kaggle's {handle}"
    )


def from_hub(name: str) -> Iterator[Progress | Path]:
    """Download a data set of the Hugging Face hub, OWNER/NAME. Yields Progress, then its folder.

    Raises UserError when there is no such set, no network, or it asks for an account.
    """
    handle = _handle(name, "https://huggingface.co/datasets/")
    from huggingface_hub import constants, snapshot_download

    _probe(constants.ENDPOINT, "The Hugging Face hub")
    cache = Path(constants.HF_HUB_CACHE) / f"datasets--{handle.replace('/', '--')}"
    yield from _in_background(
        lambda: Path(snapshot_download(handle, repo_type="dataset", endpoint=constants.ENDPOINT)),
        cache,
        f"The hub's {handle}",
    )


def downloaded_source(folder: Path) -> Source:
    """What was downloaded, ready to be recognised: a folder, the one archive in it, or its tables."""
    # The hub's client keeps contents in blobs/ and links to them from snapshots/COMMIT/.
    source = FolderSource(folder, folder.parent.parent if folder.parent.name == "snapshots" else None)
    archives = sorted(p for p in folder.rglob("*.zip") if p.is_file())
    if not source.names and len(archives) == 1:
        return ZipSource(archives[0])
    return with_tables(source)


def _in_background(work: Callable[[], Path], growing: Path, label: str) -> Iterator[Progress | Path]:
    """Run a download in a thread and tell how much has come."""
    result: list[Path] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            result.append(work())
        except BaseException as error:  # it is raised again, below, in the caller's thread
            failure.append(error)

    before = _bytes_in(growing)
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(POLL_SECONDS)
        yield Progress(max(0, _bytes_in(growing) - before))
    if failure:
        raise UserError(_reason(failure[0], label)) from failure[0]
    yield result[0]


def _reason(error: BaseException, label: str) -> str:
    status = getattr(getattr(error, "response", None), "status_code", None)
    kind = type(error).__name__
    if status in (401, 403) or kind in ("GatedRepoError", "UnauthenticatedError"):
        return (
            f"{label} cannot be read without an account, or does not exist: check its name, or sign in there."
        )
    if status == 404 or kind in ("RepositoryNotFoundError", "NotFoundError"):
        return f"{label} does not exist: copy its name, OWNER/NAME, from its page."
    if isinstance(error, OSError) and error.errno == 28:
        return f"{label} does not fit on the disk: free some space and download it again."
    return f"{label} could not be downloaded ({kind}): try again; what has come is kept."


def _handle(name: str, address: str) -> str:
    """OWNER/NAME from itself or from the address of its page."""
    handle = name.strip().removeprefix(address).strip("/")
    if not re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", handle):
        raise UserError(f"'{name.strip()[:80]}' is no data set's name: give OWNER/NAME, as its page has it.")
    return handle


def _kaggle_address() -> str:
    from kagglesdk.kaggle_env import get_endpoint, get_env

    return str(get_endpoint(get_env()))


def _probe(address: str, label: str) -> None:
    parts = urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname or "", port), timeout=PROBE_SECONDS):
            return
    except OSError:
        raise UserError(
            f"{label} cannot be reached from this machine: check the network, or download the data set "
            "elsewhere and import its zip here."
        ) from None


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*") if folder.is_dir() else ():
        try:
            total += path.stat().st_size if path.is_file() and not path.is_symlink() else 0
        except OSError:
            continue
    return total
