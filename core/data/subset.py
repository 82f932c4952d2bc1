"""Some images of a data set as a data set of their own, to paint again or to train on."""

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from core.data.dataset import DATASET_FILE, DataFolder
from core.data.exporting import export
from core.data.library import new_folder
from core.errors import UserError, system_said
from core.policy.ownership import sign
from core.policy.permissions import needs
from core.system.atomic import atomic_folder
from core.system.workspace import read_json, write_json


@needs("add")
def make_subset(data: DataFolder, names: Sequence[str], name: str) -> Iterator[float | Path]:
    """Copy these images with their masks. Yields the share done, then the new folder.

    Raises UserError when the name is taken, no image is there any more, or the disk is full; then
    nothing is left.
    """
    wanted = set(names)
    pairs = [pair for pair in data.pairs if pair.name in wanted]
    if len(pairs) < 2:
        raise UserError("A data set has two images or more: choose others too.")
    folder = new_folder(name)
    try:
        with atomic_folder(folder) as making:
            packed = making / "packed.zip"
            for step in export(replace(data, pairs=tuple(pairs)), packed):
                if isinstance(step, float):
                    yield step
            with zipfile.ZipFile(packed) as archive:  # our own, a moment old
                archive.extractall(making)
            packed.unlink()
            about = read_json(making / DATASET_FILE)
            write_json(making / DATASET_FILE, about | {"name": folder.name, "source": f"from {data.name}"})
            sign(making)
    except OSError as error:
        new_folder(name)  # the name may have been taken meanwhile
        raise UserError(f"{name} was not made: {system_said(error)}.") from error
    yield folder
