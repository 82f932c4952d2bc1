"""Archives of photos and masks, damaged and dishonest."""

import io
import struct
import zipfile
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.core import archives
from tests.hostile.case import NAMES, Case, encoded, flipped, patched
from tests.hostile.photos import broken_photos


def pairs(count: int = 3) -> dict[str, bytes]:
    files = {f"images/{i}.png": encoded("PNG") for i in range(count)}
    mask = np.zeros((96, 128), np.uint8)
    mask[20:60, 30:90] = 255
    return files | {f"masks/{i}.png": archives.picture(mask) for i in range(count)}


def with_members(members: list[tuple[zipfile.ZipInfo | str, bytes]]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in pairs().items():
            archive.writestr(name, body)
        for member, body in members:
            archive.writestr(member, body)
    return stream.getvalue()


def link(name: str, target: str) -> tuple[zipfile.ZipInfo, bytes]:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return info, target.encode()


def special(name: str, mode: int) -> tuple[zipfile.ZipInfo, bytes]:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    return info, b""


def bad_archives() -> Iterator[Case]:
    good = archives.zipped(pairs()).getvalue()
    for file in NAMES:
        yield Case(
            "data", f"a member called {file[:30]!r}", "names.zip", with_members([(file, encoded("JPEG"))])
        )
    for number, target in enumerate(("/etc/passwd", "../../../../etc", "images", ".")):
        yield Case(
            "data", f"a link to {target}", "link.zip", with_members([link(f"images/l{number}.png", target)])
        )
    for what, mode in (("a device", 0o020666), ("a pipe", 0o010666), ("a socket", 0o140666)):
        yield Case("data", what, "special.zip", with_members([special("images/x.png", mode)]))
    for cut in (0.01, 0.2, 0.5, 0.8, 0.95, 0.99):
        yield Case("data", f"cut at {cut:.0%}", "cut.zip", good[: int(len(good) * cut)])
    for seed in range(30):
        yield Case("data", f"bits flipped, seed {seed}", "flipped.zip", flipped(good, seed, 0.0005))
    yield Case("data", "a billion zeros", "bomb.zip", with_members([("images/z.png", b"\0" * 300_000_000)]))
    yield Case("data", "an archive in an archive", "nested.zip", with_members([("images/more.zip", good)]))
    yield Case("data", "the same file twice", "twice.zip", with_members([("images/0.png", encoded("PNG"))]))
    yield Case("data", "no files", "empty.zip", archives.zipped({}).getvalue())
    yield Case("data", "a million entries", "entries.zip", lying_count(good, 65_535))
    yield Case("data", "sizes that lie", "sizes.zip", lying_sizes(good))
    for what, body in (("tar", b"\0" * 257 + b"ustar\0" + b"\0" * 300), ("7z", b"7z\xbc\xaf\x27\x1c" + b"\0" * 90),
                       ("rar", b"Rar!\x1a\x07\x01\0" + b"\0" * 90), ("nothing", b"")):  # fmt: skip
        yield Case("data", f"{what} called zip", f"{what}.zip", body)
    yield from (Case("data", what, "index.zip", content) for what, content in bad_indexes(good))
    for what, csv in {"bare returns": b"a,1,2,3\rb\r,", "superscripts": "a,²,²,²".encode(),
                      "separators": b"a,1\x1d,2,3", "long numbers": b"a," + b"9" * 5000 + b",1,1",
                      "a class ²": "²,x".encode()}.items():  # fmt: skip
        for file in ("class_dict.csv", "_classes.csv"):
            yield Case(
                "data", f"{file} of {what}", "csv.zip", archives.zipped({**pairs(), file: csv}).getvalue()
            )
    table = parquet_of_pairs()
    yield Case("data", "a good parquet file", "table.zip", archives.zipped({"t.parquet": table}).getvalue())
    for seed in range(12):
        damaged = flipped(table, seed, 0.002)
        yield Case(
            "data",
            f"a parquet file, seed {seed}",
            "table.zip",
            archives.zipped({"t.parquet": damaged}).getvalue(),
        )
    for kind in broken_photos():
        if "seed 1" in kind.name or "30.0%" in kind.name:
            files = {**pairs(2), f"images/x-{kind.file}": kind.content, "masks/x.png": kind.content}
            yield Case("data", f"{kind.file}, {kind.name}", "photos.zip", archives.zipped(files).getvalue())


def bad_indexes(good: bytes) -> Iterator[tuple[str, bytes]]:
    """Zips whose list of contents is damaged; the first three were found by fuzzing."""
    entry = good.index(b"PK\x01\x02")
    yield "a name that is no text", patched(patched(good, entry + 9, b"\x08"), entry + 46, b"\xff\xfe")
    yield "a name of no letters", patched(good, entry + 28, struct.pack("<H", 0))
    yield "a place before the beginning", patched(good, entry + 42, struct.pack("<I", 2**32 - 2))
    yield "a place beyond the end", patched(good, entry + 42, struct.pack("<I", 2**30))
    yield "a member called .", with_members([(".", b"x")])
    yield "a method that is none", patched(good, entry + 10, struct.pack("<H", 77))


def parquet_of_pairs() -> bytes:
    stream, files = io.BytesIO(), pairs(2)
    columns = {
        "image": [files[f"images/{i}.png"] for i in range(2)],
        "mask": [files[f"masks/{i}.png"] for i in range(2)],
    }
    pq.write_table(pa.table({k: [{"bytes": v} for v in values] for k, values in columns.items()}), stream)
    return stream.getvalue()


def lying_count(content: bytes, count: int) -> bytes:
    end = content.rindex(b"PK\x05\x06")
    return patched(content, end + 8, struct.pack("<HH", count, count))


def lying_sizes(content: bytes) -> bytes:
    """Every member says in the index that it has one byte."""
    changed, place = content, content.find(b"PK\x01\x02")
    while place >= 0:
        changed = patched(changed, place + 24, struct.pack("<I", 1))
        place = content.find(b"PK\x01\x02", place + 4)
    return changed
