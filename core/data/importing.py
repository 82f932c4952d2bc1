"""Bringing photos and masks in: a folder or a zip becomes a data set folder of the workspace.

Nothing is ever written to a path that the source names: files are copied under their own base
name into images/ or masks/, and only files whose names end like a picture's. An import completes
or leaves nothing behind.
"""

import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from core import workspace
from core.data.dataset import DATASET_FILE, DataFolder, open_data, write_down
from core.data.pairing import IMAGE_FOLDERS, MASK_FOLDERS, find_root
from core.data.photos import MASK_SUFFIXES, PHOTO_SUFFIXES
from core.errors import UserError
from core.workspace import read_json, safe_name

MAX_FILES = 200_000
MAX_BYTES = 50_000_000_000
MAX_FILE_BYTES = 500_000_000
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Imported:
    """The new data set, opened."""

    data: DataFolder


def import_data(source: Path | BinaryIO, name: str) -> Iterator[float | Imported]:
    """Copy a folder or a zip archive in as data set `name`. Yields the share done, then the result.

    Raises UserError when the name is taken or the source holds no pairs; then nothing is left.
    """
    folder = workspace.datasets() / safe_name(name, "data set name")
    if folder.exists():
        raise UserError(f"There is a data set '{folder.name}' already: choose another name.")
    making = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(making, ignore_errors=True)
    for part in ("images", "masks"):
        (making / part).mkdir(parents=True)
    try:
        if isinstance(source, Path) and source.is_dir():
            yield from _copy_folder(find_root(source), making)
        else:
            yield from _copy_archive(source, making)
        data = open_data(making)
        write_down(replace(data, about={**data.about, "name": name.strip()}))
        making.rename(folder)
    except OSError as error:
        raise UserError(
            f"The import stopped ({error.strerror or error}): check the disk's free space."
        ) from error
    finally:
        shutil.rmtree(making, ignore_errors=True)
    yield Imported(open_data(folder))


def list_datasets() -> list[Path]:
    """The workspace's data sets, by name."""
    return sorted(p for p in workspace.datasets().iterdir() if p.is_dir() and not p.name.startswith("."))


def delete_dataset(folder: Path) -> None:
    """Remove a data set of the workspace. Raises UserError for any other folder."""
    if folder.resolve().parent != workspace.datasets().resolve():
        raise UserError(f"{folder} is not a data set of this workspace, so it is not deleted.")
    shutil.rmtree(folder)


def display_name(folder: Path) -> str:
    """The name that the data set's own dataset.json gives, else its folder's."""
    try:
        return str(read_json(folder / DATASET_FILE).get("name") or folder.name)
    except UserError:
        return folder.name


def _copy_folder(root: Path, making: Path) -> Iterator[float]:
    files = [p for p in root.rglob("*") if p.is_file() and not p.is_symlink()]
    chosen = [(p, part) for p in files if (part := _part(PurePosixPath(p.relative_to(root).as_posix())))]
    if len(chosen) > MAX_FILES:
        raise UserError(f"{root.name} holds more than {MAX_FILES:,} pictures: import it in parts.")
    for done, (path, part) in enumerate(chosen, 1):
        shutil.copyfile(path, _target(making, part, path.name))
        if done % 8 == 0:
            yield done / len(chosen)


def _copy_archive(source: Path | BinaryIO, making: Path) -> Iterator[float]:
    label = source.name if isinstance(source, Path) else str(getattr(source, "name", "The upload"))
    try:
        with zipfile.ZipFile(source) as archive:
            yield from _copy_members(archive, label, making)
    except FileNotFoundError:
        raise UserError(f"There is no file or folder {source}.") from None
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError) as error:
        raise UserError(f"{label} is no zip archive that can be read ({error}): pack it again.") from error
    except RuntimeError as error:  # zipfile's way of saying that a password is needed
        raise UserError(f"{label} is encrypted: pack it again without a password.") from error


def _copy_members(archive: zipfile.ZipFile, label: str, making: Path) -> Iterator[float]:
    members = [m for m in archive.infolist() if not m.is_dir()]
    if len(members) > MAX_FILES:
        raise UserError(f"{label} holds more than {MAX_FILES:,} files: import it in parts.")
    chosen = [(m, part) for m in members if (part := _part(PurePosixPath(m.filename.replace("\\", "/"))))]
    if not chosen:
        raise UserError(
            f"{label} holds no images/ and masks/ folders with pictures: put the photos into images/ "
            "and the masks, under the same names, into masks/."
        )
    written = 0
    for done, (member, part) in enumerate(chosen, 1):
        name = PurePosixPath(member.filename.replace("\\", "/")).name
        written += _extract(archive, member, _target(making, part, name), label)
        if written > MAX_BYTES:
            raise UserError(f"{label} unpacks to more than {MAX_BYTES // 10**9} GB: import it in parts.")
        if done % 8 == 0:
            yield done / len(chosen)


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, label: str) -> int:
    """Copy one member, counting what really comes out: an archive may lie about sizes."""
    size = 0
    with archive.open(member) as packed, open(target, "xb") as file:
        while chunk := packed.read(CHUNK):
            size += len(chunk)
            if size > MAX_FILE_BYTES:
                raise UserError(f"{member.filename} in {label} unpacks to more than 500 MB: leave it out.")
            file.write(chunk)
    return size


def _part(path: PurePosixPath) -> str:
    """ "images" or "masks" for a picture below such a folder, else ""."""
    if path.name.startswith(".") or "__MACOSX" in path.parts:
        return ""
    suffix = path.suffix.lower()
    for parent in reversed([p.lower() for p in path.parts[:-1]]):
        if parent in MASK_FOLDERS:
            return "masks" if suffix in MASK_SUFFIXES else ""
        if parent in IMAGE_FOLDERS:
            return "images" if suffix in PHOTO_SUFFIXES else ""
    return ""


def _target(making: Path, part: str, name: str) -> Path:
    """Where a file goes. Raises UserError for a name that is there already or cannot be a file's."""
    target = making / part / name
    if target.parent != making / part or name in ("", ".", "..") or "\0" in name or len(name.encode()) > 240:
        raise UserError(f"'{name[:60]}' cannot be a file name: rename it.")
    if target.exists():
        raise UserError(f"Two files are called {part}/{name}: rename one of them.")
    return target
