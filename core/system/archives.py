"""Untrusted zip archives: opening them within limits, and the exceptions that damaged ones raise."""

import lzma
import os
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO

from core.errors import UserError

MAX_FILES = 400_000
MAX_INDEX_BYTES = 64_000_000  # of the central directory, which zipfile reads into memory

# For damaged archives zipfile raises BadZipFile, and also these (found by fuzzing).
DAMAGE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    ValueError,
)


def open_zip(file: str | Path | IO[bytes], label: str) -> zipfile.ZipFile:
    """Raises UserError if the file is missing, not a zip, damaged, or has too many entries."""
    try:
        _refuse_endless_index(file, label)
        return zipfile.ZipFile(file)
    except FileNotFoundError:
        raise UserError(f"There is no file or folder {file}.") from None
    except DAMAGE as error:
        raise UserError(f"{label} cannot be read as a zip archive ({error}): create it again.") from error


def files_of(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The entries that are files."""
    return [info for info in archive.infolist() if info.filename and not info.is_dir()]


def _refuse_endless_index(file: str | Path | IO[bytes], label: str) -> None:
    """Read the size of the central directory from the end of the archive, before zipfile loads it.

    Source: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.14 and 4.3.16.
    """
    if isinstance(file, str | Path):
        with open(file, "rb") as stream:
            _refuse_endless_index(stream, label)
        return
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - 65_557))
    tail = file.read()
    file.seek(0)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        return  # zipfile reports what is wrong
    size = struct.unpack_from("<L", tail, at + 12)[0]
    at64 = tail.rfind(b"PK\x06\x06")
    if size == 0xFFFFFFFF and at64 >= 0:
        size = struct.unpack_from("<Q", tail, at64 + 40)[0]
    if size > MAX_INDEX_BYTES:
        raise UserError(f"{label} holds more than {MAX_FILES:,} files: import it in parts.")
