"""Parquet files with pictures in their columns, as data sets on the Hugging Face hub often are.

They are shown as images/ and masks/, so that everything else reads them like any other folder.
"""

import io
from collections import OrderedDict
from pathlib import PurePosixPath
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from core.data.importing.names import role_of, split_of_folder
from core.data.importing.sources import Source
from core.errors import UserError
from core.system.archives import MAX_FILES

PHOTO_COLUMNS = {"image", "images", "img", "photo", "pixel_values", "input", "original"}
GROUPS_KEPT = 2
MAX_GROUP_BYTES = 4_000_000_000  # as the file says
DAMAGE = (pa.ArrowException, OSError, ValueError, IndexError, KeyError)


class TableSource(Source):
    """The rows of a source's parquet files: train/images/000012.png, train/masks/000012.png …"""

    def __init__(self, inner: Source) -> None:
        super().__init__(inner.label)
        self._where: dict[str, tuple[str, int, str]] = {}
        self._groups: OrderedDict[tuple[str, int], pa.Table] = OrderedDict()
        self._open_files: dict[str, pq.ParquetFile] = {}
        self._inner = inner
        for name in inner.names:
            if name.endswith(".parquet"):
                self._add(name)

    def size(self, name: str) -> int:
        return len(self.read(name))

    def read(self, name: str) -> bytes:
        file, row, column = self._where[name]
        try:
            group, offset = self._group_of(file, row)
            cell = group.column(column)[offset].as_py()
        except DAMAGE as error:
            raise UserError(f"Row {row} of {file} is damaged ({error}): download the file again.") from error
        content = cell.get("bytes") if isinstance(cell, dict) else cell
        if not isinstance(content, bytes) or not content:
            raise UserError(f"Row {row} of {file} has no picture in its column {column}.")
        return content

    def _open(self, name: str) -> BinaryIO:
        return io.BytesIO(self.read(name))

    def close(self) -> None:
        self._inner.close()

    def _add(self, name: str) -> None:
        try:
            opened = pq.ParquetFile(io.BytesIO(self._inner.read(name)))
        except DAMAGE as error:
            raise UserError(f"{name} is not a readable parquet file ({error}): download it again.") from error
        columns = [field.name for field in opened.schema_arrow if _holds_pictures(field.type)]
        photo = next((c for c in columns if c.lower() in PHOTO_COLUMNS), None)
        mask = next(
            (c for c in columns if c != photo and (role_of(c.lower()) == "mask" or c.lower() == "gt")), None
        )
        if photo is None or mask is None:
            return
        if len(self.names) + 2 * opened.metadata.num_rows > MAX_FILES:
            raise UserError(f"{name} has more than {MAX_FILES // 2:,} rows: import it in parts.")
        self._open_files[name] = opened
        stem = PurePosixPath(name).stem
        split = split_of_folder(stem.split("-")[0])
        for row in range(opened.metadata.num_rows):
            for role, column in (("images", photo), ("masks", mask)):
                shown = f"{split or 'all'}/{role}/{stem}-{row:06d}.png"
                self._where[shown] = (name, row, column)
                self.names.append(shown)

    def _group_of(self, file: str, row: int) -> tuple[pa.Table, int]:
        opened = self._open_files[file]
        for group in range(opened.metadata.num_row_groups):
            rows = opened.metadata.row_group(group).num_rows
            if row < rows:
                break
            row -= rows
        key = (file, group)
        if key not in self._groups:
            if opened.metadata.row_group(group).total_byte_size > MAX_GROUP_BYTES:
                raise UserError(f"{file} packs more than 4 GB into one group of rows: write smaller ones.")
            self._groups[key] = opened.read_row_group(group)
            while len(self._groups) > GROUPS_KEPT:
                self._groups.popitem(last=False)
        return self._groups[key], row


def with_tables(source: Source) -> Source:
    """The source, or its parquet files' rows where it holds such and no pictures of its own."""
    if any(name.endswith(".parquet") for name in source.names):
        tables = TableSource(source)
        if tables.names:
            return tables
    return source


def _holds_pictures(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(kind.field(i).name == "bytes" for i in range(kind.num_fields))
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))
