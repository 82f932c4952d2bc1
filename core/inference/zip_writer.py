"""Results of many photos as one zip, written photo by photo: memory use does not depend on their number."""

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
    """A photo that has been processed. `problem` says why it is not in the zip; "" if it is."""

    name: str
    problem: str = ""


def pack(names: Sequence[str], make: Callable[[int], Mapping[str, bytes]], target: Path) -> Iterator[Done]:
    """Write a zip with the files of each photo, yielding after each photo.

    `make` returns the files of the photo at an index of `names` by kind, as core.inference.cutout.files_of
    does. Unreadable photos are skipped. Raises UserError, and writes nothing, if the disk is full or no
    photo could be read.
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
    """A path for the next zip. Old zips are deleted if space is short."""
    scratch.make_room("batches")
    return scratch.folder("batches") / f"{time.time_ns()}.zip"


def megabytes(path: Path) -> float:
    return path.stat().st_size / 1e6
