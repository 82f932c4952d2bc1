"""Import of models that were made elsewhere: folders and zips as smp's save_pretrained writes them."""

import dataclasses
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from core.errors import UserError, system_said
from core.models.card import (
    CARD_FILE,
    CONFIG_FILE,
    README_FILE,
    WEIGHTS_FILE,
    without_paths,
    write_card,
)
from core.policy.ownership import sign
from core.policy.permissions import needs
from core.system import workspace
from core.system.archives import DAMAGE, files_of, open_zip
from core.system.atomic import atomic_folder

FILES = {CONFIG_FILE: 10**6, CARD_FILE: 5 * 10**6, README_FILE: 5 * 10**6, WEIGHTS_FILE: 4 * 10**9}
MAX_ENTRIES = 10_000
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
WEIGHTS_SUFFIX = ".safetensors"
GRAPHS = (".onnx", ".pt2")  # exported: without the layers that training needs
CHUNK = 1 << 20


@needs("add")
def import_folder(source: Path, name: str, kind: str = "") -> Path:
    """Copy a model's folder into the registry; returns its new folder.

    `kind`, "multiclass" or "multilabel", is what several classes mean where the folder does not say.
    Raises UserError, leaving nothing, for a model that cannot be used here.
    """
    if not source.is_dir():
        raise UserError(f"There is no folder {source}.")
    if not (source / WEIGHTS_FILE).is_file():
        raise _not_a_model(source.name, [p.name for p in source.iterdir()])
    with _new_model(name, kind) as making:
        for file, limit in FILES.items():
            if (source / file).is_file():
                with open(source / file, "rb") as stream:
                    _copy(stream, making / file, limit)
    return workspace.models() / _folder_name(name)


@needs("add")
def import_zip(source: str | Path | IO[bytes], name: str, kind: str = "") -> Path:
    """The same from a zip that holds such a folder at any depth, as every export does. Only the files of a
    model are written, under their own names, whatever paths the zip gives them."""
    file_name = PurePosixPath(str(getattr(source, "name", source))).name
    check_file_name(file_name)
    try:
        with open_zip(source, "The upload") as archive:
            members = _members(archive)
            with _new_model(name, kind) as making:
                for file, member in members.items():
                    with archive.open(member) as stream:
                        _copy(stream, making / file, FILES[file])
    except (*DAMAGE, RuntimeError) as error:  # the last: a password is needed
        raise UserError(f"The zip cannot be read ({error}): pack the model's folder again.") from error
    return workspace.models() / _folder_name(name)


def check_file_name(name: str) -> None:
    """Raises UserError for a file that is no zip but part of a model; the sentence names what to import."""
    if name.endswith(WEIGHTS_SUFFIX):
        raise UserError(
            f"{name} holds weights without their architecture: zip it together with {CONFIG_FILE}, and "
            "import the zip."
        )
    if name.endswith((*GRAPHS, *PICKLES)):
        raise _not_a_model(name, [name])


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """A model's files in the zip; of several models, the one with the shortest path."""
    infos = files_of(archive)
    if len(infos) > MAX_ENTRIES:
        raise UserError(f"The zip holds more than {MAX_ENTRIES:,} files: pack the model's folder alone.")
    weights = [info for info in infos if PurePosixPath(info.filename).name == WEIGHTS_FILE]
    if not weights:
        raise _not_a_model("The zip", [info.filename for info in infos])
    folder = min((PurePosixPath(info.filename).parent for info in weights), key=lambda p: len(p.parts))
    return {
        path.name: info
        for info in infos
        if (path := PurePosixPath(info.filename)).parent == folder and path.name in FILES
    }


def _not_a_model(what: str, names: list[str]) -> UserError:
    if any(name.endswith(PICKLES) for name in names):
        return UserError(
            f"{what} holds weights as a pickle, which may run code and is not opened: save the model "
            "with `save_pretrained` of segmentation_models_pytorch 0.4 or newer."
        )
    if any(name.endswith(GRAPHS) for name in names):
        return UserError(
            f"{what} holds an exported network without its checkpoint: import its .onnx file itself, or the "
            "zip that Export on the Models page makes, which can also be trained on."
        )
    return UserError(f"{what} holds no model: {CONFIG_FILE} and {WEIGHTS_FILE} are needed.")


def _folder_name(name: str) -> str:
    return workspace.safe_name(name, "model's name")


@contextmanager
def _new_model(name: str, kind: str) -> Iterator[Path]:
    """An empty folder to fill. Afterwards its model is opened and run once, and kept only if that works."""
    from core.models.conversion import convert

    target = workspace.models() / _folder_name(name)
    _check_free(target)
    try:
        with atomic_folder(target) as making:
            yield making
            try:
                card = convert(making, kind)
            except UserError as error:
                raise UserError(str(error).replace(str(making), target.name)) from error
            write_card(making, dataclasses.replace(without_paths(card), name=name))
            sign(making)
    except OSError as error:
        _check_free(target)  # the name may have been taken meanwhile
        raise UserError(f"The model was not imported: {system_said(error)}.") from error


def _check_free(target: Path) -> None:
    if target.exists():
        raise UserError(f"There is a model called {target.name} already: choose another name.")


def _copy(stream: IO[bytes], target: Path, limit: int) -> None:
    """Copy at most `limit` bytes, whatever sizes the zip states."""
    left = limit
    with open(target, "wb") as file:
        while chunk := stream.read(CHUNK):
            left -= len(chunk)
            if left < 0:
                raise UserError(f"{target.name} is larger than the {limit:,} bytes that it may have.")
            file.write(chunk)
