"""Files and folders that are there whole or not at all, whatever happens to whoever writes them.

Each is made under a name of its maker beside its place, `.NAME.MAKER.part`, and renamed at the end, so that
two that make the same thing at once do not meet. After a kill the part is left: the next one to make the
same thing on this machine deletes it, and `core.server.retention` deletes old ones.
`core.system.workspace.write_atomically` is for small content that is in memory.
"""

import contextlib
import itertools
import os
import re
import shutil
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path

from core.system.file_names import short_stem

SUFFIX = ".part"
_MACHINE = f"{zlib.crc32(socket.gethostname().encode()):08x}"  # others may share the disk
_MAKER = re.compile(r"([0-9a-f]{8})-(\d+)-\d+")
_number = itertools.count(1)


def part_of(target: Path) -> Path:
    """A hidden name beside `target`, no longer than a disk takes, for work that is continued after a kill by
    whoever holds a lock on it."""
    return target.with_name(f".{short_stem(target.name, 200)}{SUFFIX}")


def _own_part(target: Path) -> Path:
    """A name that nobody else has, after the parts of makers that are gone were deleted."""
    beginning = part_of(target).stem
    for other in target.parent.iterdir() if target.parent.is_dir() else ():
        if other.suffix == SUFFIX and other.stem.startswith(f"{beginning}."):
            maker = _MAKER.fullmatch(other.stem[len(beginning) + 1 :])
            if maker and maker[1] == _MACHINE and not _is_alive(int(maker[2])):
                _delete(other)
    return target.with_name(f"{beginning}.{_MACHINE}-{os.getpid()}-{next(_number)}{SUFFIX}")


def _is_alive(process: int) -> bool:
    import psutil

    return bool(psutil.pid_exists(process))


def _delete(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_file(target: Path) -> Iterator[Path]:
    """A path to write to, which replaces `target` at the end, after it is on the disk.

    After any exception it is gone and `target` is as it was.
    """
    part = _own_part(target)
    try:
        yield part
        with open(part, "rb") as file:
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        _delete(part)


@contextlib.contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """An empty folder to fill, which becomes `target` at the end. After any exception nothing is left.

    Raises OSError where `target` is there by then and not empty.
    """
    with part_folder(target) as part:
        yield part
        part.rename(target)


@contextlib.contextmanager
def part_folder(target: Path) -> Iterator[Path]:
    """An empty folder beside `target`, on the same disk, which is deleted at the end: for callers that
    move files from it one by one into a folder that is there."""
    part = _own_part(target)
    part.mkdir(parents=True)
    try:
        yield part
    finally:
        _delete(part)
