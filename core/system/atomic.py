"""Files and folders that are there whole or not at all, whatever happens to whoever writes them.

Each is made under another name beside its place, `.NAME.part`, and renamed at the end. After a kill the
part is left: the next one to make the same thing replaces it, and `core.server.retention` deletes old ones.
`core.system.workspace.write_atomically` is for small content that is in memory.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from core.system.file_names import short_stem

SUFFIX = ".part"


def part_of(target: Path) -> Path:
    """The name under which `target` is made: hidden, and no longer than a disk takes."""
    return target.with_name(f".{short_stem(target.name, 240)}{SUFFIX}")


@contextlib.contextmanager
def atomic_file(target: Path) -> Iterator[Path]:
    """A path to write to, which replaces `target` at the end, after it is on the disk.

    After any exception it is gone and `target` is as it was.
    """
    part = part_of(target)
    try:
        yield part
        with open(part, "rb") as file:
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


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
    part = part_of(target)
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)
