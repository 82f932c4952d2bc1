"""Downloads from hubs, with progress, and only if the hub can be reached.

The hubs' own clients resume interrupted downloads. They need long to notice that there is no network, so
the server is probed for two seconds first.
"""

import re
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from core.errors import UserError

PROBE_SECONDS = 2.0
POLL_SECONDS = 0.25
HUB = "The Hugging Face hub"

HubKind = Literal["model", "dataset"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How many bytes have been received; the total is unknown."""

    received: int


def in_background(work: Callable[[], Path], growing: Path, label: str) -> Iterator[Progress | Path]:
    """Run a download in a thread, yielding its Progress and at last its result."""
    result: list[Path] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            result.append(work())
        except BaseException as error:  # raised again below, in the caller's thread
            failure.append(error)

    before = _bytes_in(growing)
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(POLL_SECONDS)
        yield Progress(max(0, _bytes_in(growing) - before))
    if failure:
        raise UserError(what_went_wrong(failure[0], label)) from failure[0]
    yield result[0]


def what_went_wrong(error: BaseException, label: str) -> str:
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
    return f"{label} could not be downloaded ({kind}): try again to resume the download."


def repository_name(name: str, address: str, what: str = "data set") -> str:
    """OWNER/NAME, given as such or as the address of its page. Raises UserError for anything else."""
    handle = name.strip().removeprefix(address).strip("/")
    if not re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", handle):
        raise UserError(
            f"'{name.strip()[:80]}' is not the name of a {what}: give OWNER/NAME, as on its page."
        )
    return handle


def reaches(address: str) -> bool:
    """Whether a connection to `address`, a URL, opens within two seconds."""
    parts = urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname or "", port), timeout=PROBE_SECONDS):
            return True
    except OSError:
        return False


def require_reachable(address: str, label: str, instead: str) -> None:
    """Raises UserError, with what to do `instead`, if no connection opens within two seconds."""
    if not reaches(address):
        raise UserError(f"{label} cannot be reached from this machine: check the network, or {instead}.")


def from_hub(
    repository: str, kind: HubKind, instead: str, patterns: Sequence[str] = ()
) -> Iterator[Progress | Path]:
    """Download a repository of the Hugging Face hub into its client's cache.

    `patterns` are globs of the files to download; without any, all are. Yields Progress, then the folder.
    Raises UserError if the hub cannot be reached, with what to do `instead`, or the download fails.
    """
    from huggingface_hub import constants, snapshot_download

    require_reachable(constants.ENDPOINT, HUB, instead)

    def fetch() -> Path:
        allowed = list(patterns) or None
        return Path(
            snapshot_download(repository, repo_type=kind, allow_patterns=allowed, endpoint=constants.ENDPOINT)
        )

    yield from in_background(fetch, hub_cache(repository, kind), f"The hub's {repository}")


def hub_cache(repository: str, kind: HubKind) -> Path:
    """The folder where the hub's client keeps a repository, which may not exist."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE) / f"{kind}s--{repository.replace('/', '--')}"


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*") if folder.is_dir() else ():
        try:
            total += path.stat().st_size if path.is_file() and not path.is_symlink() else 0
        except OSError:
            continue
    return total
