"""Where files come from: a zip, a folder on this machine, or files picked one by one.

A source is a list of names and a way to read one. Nothing is ever written to a path that a source
names, links are not followed, and what is read is counted while it is read: an archive may lie
about its sizes.
"""

import os
import stat
import unicodedata
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from core.data.pairing import Problem
from core.errors import UserError
from core.policy.permissions import require
from core.system.archives import DAMAGE, MAX_FILES, files_of, open_zip
from core.system.file_names import is_unicode, shown

MAX_BYTES = 50_000_000_000
MAX_FILE_BYTES = 500_000_000
CHUNK = 1 << 20
ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".7z", ".rar")
IGNORED = {"thumbs.db", "desktop.ini", ".ds_store"}


class HarmfulSourceError(UserError):
    """The source as a whole cannot be imported, not just one file of it."""


class Source(ABC):
    """`names` are those of all files that may be read, with forward slashes and letters composed (NFC,
    which macOS takes apart), in order; `problems` are files that were refused at sight."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.names: list[str] = []
        self.problems: list[Problem] = []
        self._read_bytes = 0

    @abstractmethod
    def size(self, name: str) -> int:
        """Bytes, as the source says; not to be relied upon."""

    @abstractmethod
    def _open(self, name: str) -> BinaryIO: ...

    def read(self, name: str) -> bytes:
        """The whole file. Raises UserError when it is damaged or larger than a picture should be."""
        try:
            with self._open(name) as file:
                content = file.read(MAX_FILE_BYTES + 1)
        except (*DAMAGE, OSError) as error:
            raise UserError(f"{name} in {self.label} is damaged ({error}): replace it.") from error
        except RuntimeError as error:  # zipfile's way of saying that a password is needed
            raise HarmfulSourceError(
                f"{self.label} is encrypted: pack it again without a password."
            ) from error
        if len(content) > MAX_FILE_BYTES:
            raise UserError(
                f"{name} in {self.label} is larger than {MAX_FILE_BYTES // 10**6} MB: leave it out."
            )
        self._read_bytes += len(content)
        if self._read_bytes > MAX_BYTES:
            raise HarmfulSourceError(
                f"{self.label} unpacks to more than {MAX_BYTES // 10**9} GB: import it in parts."
            )
        return content

    def close(self) -> None:  # noqa: B027 - most have nothing to let go of
        """Let go of open files."""

    def _take(self, name: str) -> bool:
        """Note a file, unless it is a system's own; name the archives that lie inside."""
        path = PurePosixPath(name)
        if path.name.lower() in IGNORED or path.name.startswith("._") or "__MACOSX" in path.parts:
            return False
        if any(part.startswith(".") for part in path.parts):
            return False
        if name.lower().endswith(ARCHIVES):
            self.problems.append(
                Problem(
                    name, f"{name} is an archive inside {self.label}: unpack it and import it on its own."
                )
            )
            return False
        if len(self.names) >= MAX_FILES:
            raise UserError(f"{self.label} holds more than {MAX_FILES:,} files: import it in parts.")
        self.names.append(name)
        return True


class FolderSource(Source):
    """A folder on the machine that runs the app, read in place. Links may lead to files below
    `links_within`, which is the folder itself unless said otherwise."""

    def __init__(self, folder: Path, links_within: Path | None = None) -> None:
        super().__init__(folder.name or str(folder))
        self.folder = folder
        self._paths: dict[str, Path] = {}
        for here, folders, files in os.walk(folder, followlinks=False):
            folders[:] = sorted(f for f in folders if not f.startswith("."))
            for file in sorted(files):
                path = Path(here, file)
                name = unicodedata.normalize("NFC", path.relative_to(folder).as_posix())
                if not is_unicode(name):
                    name = shown(name)
                    self.problems.append(Problem(name, f"The name of {name} is not valid text: rename it."))
                elif path.is_symlink() and not _stays_inside(path, links_within or folder):
                    self.problems.append(
                        Problem(name, f"{name} is a link to a file elsewhere: copy the file.")
                    )
                elif name in self._paths:
                    self.problems.append(Problem(name, f"Two of the files are called {name}: rename one."))
                elif path.is_file() and self._take(name):
                    self._paths[name] = path

    def size(self, name: str) -> int:
        return self._paths[name].stat().st_size

    def _open(self, name: str) -> BinaryIO:
        return open(self._paths[name], "rb")


class FilesSource(Source):
    """Files picked one by one, as (name, content that can be read from)."""

    def __init__(self, files: Sequence[tuple[str, BinaryIO]], label: str = "The selection") -> None:
        super().__init__(label)
        self._files: dict[str, BinaryIO] = {}
        for given, file in files:
            parts = PurePosixPath(given.replace("\\", "/")).parts
            name = unicodedata.normalize("NFC", "/".join(p for p in parts if p not in ("..", "/", ".")))
            if name in self._files:
                self.problems.append(Problem(name, f"Two of the files are called {name}: rename one."))
            elif self._take(name):
                self._files[name] = file

    def size(self, name: str) -> int:
        file = self._files[name]
        file.seek(0, os.SEEK_END)
        return file.tell()

    def read(self, name: str) -> bytes:
        self._files[name].seek(0)
        content = self._files[name].read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise UserError(f"{name} is larger than {MAX_FILE_BYTES // 10**6} MB: leave it out.")
        return content

    def _open(self, name: str) -> BinaryIO:
        return self._files[name]


class ZipSource(Source):
    """A zip archive, read member by member without unpacking it."""

    def __init__(self, file: Path | BinaryIO, label: str = "") -> None:
        super().__init__(label or str(getattr(file, "name", "") or "The upload").rsplit("/", 1)[-1])
        self._archive = open_zip(file, self.label)
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in files_of(self._archive):
            self._add(member)

    def size(self, name: str) -> int:
        return self._members[name].file_size

    def _open(self, name: str) -> BinaryIO:
        return self._archive.open(self._members[name])  # type: ignore[return-value]

    def close(self) -> None:
        self._archive.close()

    def _add(self, member: zipfile.ZipInfo) -> None:
        name = _readable(member)
        path = PurePosixPath(name)
        if not path.parts:  # "."
            return
        if path.is_absolute() or ".." in path.parts or "\0" in name or ":" in path.parts[0]:
            raise UserError(
                f"{self.label} holds '{name[:80]}', a path that leads out of the archive: such archives are "
                "made to do harm, and nothing of it was imported."
            )
        if stat.S_ISLNK(member.external_attr >> 16):
            self.problems.append(Problem(name, f"{name} is a link, not a picture: pack the file itself."))
        elif name in self._members:
            self.problems.append(Problem(name, f"{self.label} holds {name} twice: the first is taken."))
        elif member.flag_bits & 1:
            raise HarmfulSourceError(f"{self.label} is encrypted: pack it again without a password.")
        elif self._take(name):
            self._members[name] = member


def open_source(given: Path | BinaryIO | Sequence[tuple[str, BinaryIO]]) -> Source:
    """A folder, a zip (by path or as a stream) or files with their names.

    Raises UserError if it cannot be read, is malicious, or the current person may not import from it.
    """
    require("machine" if isinstance(given, Path) else "add")
    if isinstance(given, Path):
        if given.is_dir():
            return FolderSource(given)
        if given.exists() and not zipfile.is_zipfile(given):
            raise UserError(f"{given.name} is neither a zip archive nor a folder: give one of these.")
        return ZipSource(given)
    if isinstance(given, Sequence):
        return FilesSource(given)
    return ZipSource(given)


def _readable(member: zipfile.ZipInfo) -> str:
    """The name as its author meant it: UTF-8 without the flag that says so is common, and so are
    letters that macOS takes apart."""
    name = member.filename.replace("\\", "/")
    if not member.flag_bits & 0x800:
        try:
            name = name.encode("cp437").decode("utf-8")
        except (UnicodeEncodeError, UnicodeDecodeError):
            pass
    return unicodedata.normalize("NFC", name)


def _stays_inside(path: Path, folder: Path) -> bool:
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):
        return False
