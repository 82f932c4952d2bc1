"""Folders that travel to nodes without a shared disk: a tar in Ray's object store, unpacked once per node."""

import hashlib
import io
import tarfile
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from core.cluster.connection import node_folder
from core.system.atomic import atomic_folder


@dataclass(frozen=True, slots=True)
class Pack:
    """The content of a folder, or one file, as a tar. `fingerprint` names it on every node; `name` is that of
    the folder or file in it."""

    fingerprint: str
    name: str
    content: bytes

    def unpacked(self) -> Path:
        """Where it lies on this node, unpacked by whoever asks first."""
        folder = node_folder() / "packs" / self.fingerprint
        folder.parent.mkdir(exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not folder.is_dir():
                packed = io.BytesIO(self.content)
                with atomic_folder(folder) as making, tarfile.open(fileobj=packed) as tar:
                    tar.extractall(making, filter="data")
        return folder / self.name


def pack(path: Path) -> Pack:
    """A folder or a file, whole, in memory; links are replaced by what they lead to."""
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(p for p in (path.rglob("*") if path.is_dir() else (path,)) if p.is_file()):
        found = file.stat()
        digest.update(f"{file.relative_to(path.parent)} {found.st_size} {found.st_mtime_ns}\n".encode())
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", dereference=True) as tar:
        tar.add(path, path.name)
    return Pack(digest.hexdigest(), path.name, stream.getvalue())
