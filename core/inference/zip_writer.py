"""Results of many photos as one zip, written photo by photo: memory does not grow with their number."""

import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import UserError, system_said
from core.inference.cutout import suffix_of
from core.system import scratch
from core.system.atomic import atomic_file
from core.system.file_names import unique_stems

MAX_PHOTOS = 50


@dataclass(frozen=True, slots=True)
class Done:
    """One photo's turn: `problem` says why it is left out, "" where it is not."""

    name: str
    problem: str = ""


def pack(names: Sequence[str], make: Callable[[int], Mapping[str, bytes]], target: Path) -> Iterator[Done]:
    """Write a zip with the files of each photo, yielding after each photo.

    `make` gives the files of the photo at a place in `names` by kind, as core.inference.cutout.files_of
    does. A photo that cannot be used is left out. Raises UserError on a full disk, or when none could be
    used; then nothing is left.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    used = 0
    try:
        with atomic_file(target) as part:
            with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:  # PNGs are compressed already
                for place, stem in enumerate(unique_stems(names)):
                    try:
                        files = make(place)
                    except UserError as error:
                        yield Done(names[place], str(error))
                        continue
                    for kind, content in files.items():
                        archive.writestr(f"{stem}_{kind}{suffix_of(kind)}", content)
                    used += 1
                    yield Done(names[place])
            if not used:
                raise UserError("None of the photos could be read.")
    except OSError as error:
        raise UserError(f"The zip was not made: {system_said(error)}.") from error


def new_zip() -> Path:
    """Where the next zip goes. Old ones make room for it."""
    scratch.make_room("batches")
    return scratch.folder("batches") / f"{time.time_ns()}.zip"


def megabytes(path: Path) -> float:
    return path.stat().st_size / 1e6
