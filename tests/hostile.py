"""Uploads made to do harm, or broken on the way: photos, archives and models, all out of this file.

Nothing here is kept on disk; every case is made from a seed, so that a failure can be made again.
"""

import io
import json
import pickle
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from pillow_heif import register_heif_opener

from tests.core import archives

register_heif_opener()
FLIPS, CUTS = 6, (0.02, 0.3, 0.6, 0.9, 0.999)


@dataclass(frozen=True)
class Case:
    """`kind` is "photo", "data" or "model": what it claims to be; `name` says what is wrong with it."""

    kind: str
    name: str
    file: str
    content: bytes


def cases() -> Iterator[Case]:
    yield from broken_photos()
    yield from bombs()
    yield from impostors()
    yield from named_badly()
    yield from bad_archives()
    yield from bad_annotations()
    yield from bad_models()


# --- photos ---


def encoded(form: str, mode: str = "RGB", **options: object) -> bytes:
    rng = np.random.default_rng(1)
    smooth = np.cumsum(rng.normal(0, 4, (96, 128, 3)), axis=1) + 128
    picture = Image.fromarray(np.clip(smooth, 0, 255).astype(np.uint8)).convert(mode)
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


def tiff_of_floats(value: float) -> bytes:
    array = np.full((64, 64), 0.5, np.float32)
    array[:32] = value
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "TIFF")
    return stream.getvalue()


def sixteen_bits(form: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) * 16).save(stream, form)
    return stream.getvalue()


def photos() -> dict[str, bytes]:
    return {
        "a.jpg": encoded("JPEG"),
        "progressive.jpg": encoded("JPEG", progressive=True),
        "cmyk.jpg": encoded("JPEG", "CMYK"),
        "grey.jpg": encoded("JPEG", "L"),
        "a.png": encoded("PNG"),
        "alpha.png": encoded("PNG", "RGBA"),
        "palette.png": encoded("PNG", "P"),
        "deep.png": sixteen_bits("PNG"),
        "a.webp": encoded("WEBP", quality=80),
        "lossless.webp": encoded("WEBP", lossless=True),
        "a.heic": encoded("HEIF"),
        "a.tif": encoded("TIFF"),
        "packed.tif": encoded("TIFF", compression="tiff_lzw"),
        "deep.tif": sixteen_bits("TIFF"),
        "a.gif": encoded("GIF", "P"),
        "a.bmp": encoded("BMP"),
    }


def flipped(content: bytes, seed: int, share: float = 0.002) -> bytes:
    rng, changed = random.Random(seed), bytearray(content)
    for _ in range(max(1, int(len(changed) * share))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def broken_photos() -> Iterator[Case]:
    for file, content in photos().items():
        for cut in CUTS:
            yield Case("photo", f"cut at {cut:.1%}", file, content[: int(len(content) * cut)])
        for seed in range(FLIPS):
            yield Case("photo", f"bits flipped, seed {seed}", file, flipped(content, seed))
        yield Case("photo", "header of zeros", file, b"\0" * 16 + content[16:])
    for value in (float("nan"), float("inf"), -1e30):
        yield Case("photo", f"floats of {value}", "floats.tif", tiff_of_floats(value))


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(
    width: int, height: int, body: bytes = b"", extra: bytes = b"", depth: int = 8, colour: int = 2
) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    data = png_chunk(b"IDAT", zlib.compress(body))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + extra + data + png_chunk(b"IEND", b"")


def many_scans(count: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    content = encoded("JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:-2] + content[last:-2] * count + b"\xff\xd9"


def patched(content: bytes, place: int, value: bytes) -> bytes:
    return content[:place] + value + content[place + len(value) :]


def bombs() -> Iterator[Case]:
    rows = b"\0" * (30_000 * 3 + 1) * 2
    for width, height in (
        (50_000, 50_000),
        (2**31 - 1, 1),
        (2**31 - 1, 2**31 - 1),
        (0, 10),
        (12_000, 12_000),
    ):
        yield Case("photo", f"PNG that says {width} x {height}", "bomb.png", png(width, height, rows))
    yield Case("photo", "30,000 x 2", "wide.png", png(30_000, 2, rows))
    yield Case("photo", "2 x 30,000", "tall.png", png(2, 30_000, b"\0" * 7 * 30_000))
    yield Case("photo", "1 x 1", "dot.png", png(1, 1, b"\0\0\0\0"))
    text = png_chunk(b"zTXt", b"a\0\0" + zlib.compress(b"x" * 80_000_000, 9))
    yield Case("photo", "a text of 80 MB", "text.png", png(4, 4, b"\0" * 52, text))
    profile = png_chunk(b"iCCP", b"a\0\0" + zlib.compress(b"x" * 80_000_000, 9))
    yield Case("photo", "a colour profile of 80 MB", "profile.png", png(4, 4, b"\0" * 52, profile))
    yield Case("photo", "a wrong colour type", "colour.png", png(4, 4, b"\0" * 52, colour=7))
    yield Case("photo", "a wrong depth", "depth.png", png(4, 4, b"\0" * 52, depth=3))
    for count in (200, 20_000):
        yield Case("photo", f"{count} scans", "scans.jpg", many_scans(count))
    jpeg = encoded("JPEG")
    start = jpeg.index(b"\xff\xc0")
    for height, width in ((65_535, 65_535), (0, 100), (10_900, 11_000)):
        size = struct.pack(">HH", height, width)
        yield Case("photo", f"JPEG that says {width} x {height}", "bomb.jpg", patched(jpeg, start + 5, size))
    gif = encoded("GIF", "P")
    yield Case("photo", "GIF of 65,535 x 65,535", "bomb.gif", patched(gif, 6, b"\xff\xff\xff\xff"))
    bmp = encoded("BMP")
    for size in (
        struct.pack("<ii", -5, -5),
        struct.pack("<ii", 2**31 - 1, 2**31 - 1),
        struct.pack("<ii", 9, 0),
    ):
        yield Case("photo", f"BMP of {size.hex()}", "bomb.bmp", patched(bmp, 18, size))
    tiff = encoded("TIFF")
    loop = patched(tiff, len(tiff) - 4, struct.pack("<I", 8))
    yield Case("photo", "TIFF whose directory comes after itself", "loop.tif", loop)
    yield Case(
        "photo", "TIFF of the first bytes of itself", "first.tif", patched(tiff, 4, struct.pack("<I", 0))
    )
    exif = Image.Exif()
    for tag, value in ((0x0112, 9), (0x0112, 65_535), (0x010E, "x" * 60_000)):
        exif[tag] = value
        yield Case("photo", f"EXIF with {tag:x} of {str(value)[:8]}", "exif.jpg", encoded("JPEG", exif=exif))


def impostors() -> Iterator[Case]:
    bodies = {
        "nothing": b"",
        "one byte": b"\xff",
        "text": b"hello " * 100,
        "HTML": b"<html><script>alert(1)</script></html>",
        "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "SVG that reads a file": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><svg>&e;</svg>',
        "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%touch /tmp/owned) (w) file\n",
        "PDF": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>",
        "a program": b"\x7fELF\x02\x01\x01" + b"\0" * 200,
        "a script": b"#!/bin/sh\ntouch /tmp/owned\n",
        "a zip": archives.zipped({"a.txt": b"x"}).getvalue(),
        "a pickle": pickle.dumps(Evil()),
        "PPM": b"P6\n99999 99999\n255\n",
        "PSD": b"8BPS\0\x01" + b"\0" * 60,
        "ICO": b"\0\0\x01\0\x01\0" + b"\xff" * 40,
        "TGA": b"\0\0\x02" + b"\xff" * 40,
        "FITS": b"SIMPLE  =                    T" + b" " * 2850,
        "XBM": b"#define x_width 99999\n#define x_height 99999\nstatic char x[] = {",
    }
    for what, body in bodies.items():
        for file in ("photo.jpg", "photo.png"):
            yield Case("photo", what, file, body)
    both = encoded("GIF", "P") + b"\n*/=1;alert(1);//<script>alert(1)</script>"
    yield Case("photo", "GIF and script", "both.gif", both)
    packed = archives.zipped({"a.txt": b"x"}).getvalue()
    yield Case("photo", "JPEG and zip", "both.jpg", encoded("JPEG") + packed)
    yield Case("data", "JPEG and zip", "both.zip", encoded("JPEG") + packed)
    yield Case("photo", "PNG and page", "both.png", encoded("PNG") + b"<script>alert(1)</script>")
    yield Case("photo", "JPEG called PNG", "jpeg.png", encoded("JPEG"))


NAMES = [
    "<img src=x onerror=alert(1)>.jpg", '"><script>alert(1)</script>.jpg', "a'b\"c`d.jpg", "a\nb\r\nc.jpg",
    "\u202egpj.exe", "a\0b.jpg", "../../../etc/passwd", "..\\..\\windows\\system32\\x.jpg", "/etc/passwd.jpg",
    "C:\\x.jpg", "\\\\server\\share\\x.jpg", "CON.jpg", "NUL", "aux.png", "x" * 4096 + ".jpg", "." * 300,
    "~/.ssh/id_rsa", "$(touch /tmp/owned).jpg", "`touch /tmp/owned`.jpg", "|touch owned.jpg", "%2e%2e%2fx.jpg",
    "😀" * 100 + ".jpg", "a\u0301" * 50 + ".jpg", "**bold** [x](javascript:alert(1)).jpg", "${jndi:ldap://x}.jpg",
    " ", "-rf", ":$$x$$.jpg", "$\\input{/etc/passwd}$.jpg", ":material/home:.jpg",
]  # fmt: skip


def named_badly() -> Iterator[Case]:
    for file in NAMES:
        yield Case("photo", "its name", file, encoded("JPEG"))


# --- archives ---


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


def bad_annotations() -> Iterator[Case]:
    photo = {"p/a.jpg": encoded("JPEG"), "p/b.jpg": encoded("JPEG")}
    image = {"id": 1, "file_name": "a.jpg", "width": 128, "height": 96}
    shape = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [[0, 0, 50, 0, 50, 50]]}

    def coco(**changes: object) -> dict[str, object]:
        return {"images": [image], "annotations": [shape], "categories": [{"id": 1, "name": "x"}], **changes}

    wrong: dict[str, object] = {
        "numbers that are none": coco(annotations=[{**shape, "segmentation": [["a", None]]}]),
        "points at infinity": coco(annotations=[{**shape, "segmentation": [[1e308, -1e308] * 3]}]),
        "a picture of 10^9 pixels": coco(images=[{**image, "width": 10**5, "height": 10**4}]),
        "a negative picture": coco(images=[{**image, "width": -4, "height": -4}]),
        "runs that lie": coco(annotations=[{**shape, "segmentation": {"counts": [10**12], "size": [9, 9]}}]),
        "runs of text": coco(
            annotations=[{**shape, "segmentation": {"counts": "~" * 99, "size": [96, 128]}}]
        ),
        "runs of a huge size": coco(
            annotations=[{**shape, "segmentation": {"counts": [1], "size": [10**6] * 2}}]
        ),
        "a name that climbs": coco(images=[{**image, "file_name": "../../etc/passwd"}]),
        "a name of HTML": coco(categories=[{"id": 1, "name": "<script>alert(1)</script>"}]),
        "lists for objects": [1, 2, 3],
        "no images": {"images": None, "annotations": 5, "categories": "x"},
        "an id that is a list": coco(images=[{**image, "id": [1]}]),
        "300 categories": coco(categories=[{"id": i, "name": str(i)} for i in range(300)]),
    }
    for what, body in wrong.items():
        yield Case("data", f"COCO: {what}", "coco.zip", archives.zipped(
            {**photo, "annotations.json": json.dumps(body).encode()}).getvalue())  # fmt: skip
    for what, text in {
        "deep": b"[" * 200_000,
        "NaN": b'{"images": [NaN], "annotations": [Infinity], "categories": []}',
        "noise": b"\xff\xfe" * 500,
        "a long number": b'{"images": [' + b"9" * 100_000 + b'], "annotations": [], "categories": []}',
    }.items():
        yield Case(
            "data",
            f"JSON: {what}",
            "json.zip",
            archives.zipped({**photo, "annotations.json": text}).getvalue(),
        )
        described = archives.zipped({**pairs(), "dataset.json": text}).getvalue()
        yield Case("data", f"description: {what}", "described.zip", described)
    laughs = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
        b"%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n" % (c, c, *[c - 1] * 9) for c in range(98, 110)
    )
    for what, yaml, labels in (
        ("a billion laughs", laughs + b"names: *m\n", b"0 0.1 0.1 0.9 0.1 0.9 0.9\n"),
        ("code", b"names: !!python/object/apply:os.system ['touch /tmp/owned']\n", b"0 0 0 1 0 1 1\n"),
        ("a long path", b"path: " + b"../" * 2000 + b"\nnames: [x]\n", b"0 0 0 1 0 1 1\n"),
        ("numbers that are none", b"names: [x]\n", b"zero one two three four five six\n" * 50),
        ("class of 10^9", b"names: [x]\n", b"1000000000 0.1 0.1 0.9 0.1 0.9 0.9\n"),
        ("NaN", b"names: [x]\n", b"0 nan nan inf inf -inf 5\n"),
    ):
        files = {"images/a.jpg": encoded("JPEG"), "images/b.jpg": encoded("JPEG"), "data.yaml": yaml,
                 "labels/a.txt": labels, "labels/b.txt": labels}  # fmt: skip
        yield Case("data", f"YOLO: {what}", "yolo.zip", archives.zipped(files).getvalue())
    for seed in range(4):
        table = flipped(b"PAR1" + bytes(range(256)) * 8 + b"PAR1", seed, 0.05)
        yield Case(
            "data", f"table, seed {seed}", "table.zip", archives.zipped({"data/a.parquet": table}).getvalue()
        )


# --- models ---


class Evil:
    """A pickle of it runs a command where it is opened."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.system, ("touch /tmp/segmentation_studio_was_here",)


CONFIG: dict[str, object] = {
    "_model_class": "Unet", "encoder_name": "timm-mobilenetv3_small_minimal_100", "encoder_depth": 5,
    "decoder_channels": [256, 128, 64, 32, 16], "in_channels": 3, "classes": 1, "activation": None,
}  # fmt: skip


def weights(header: object, data: bytes = b"\0" * 64, length: int | None = None) -> bytes:
    told = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(told) if length is None else length) + told + data


def tensor(**changes: object) -> dict[str, object]:
    return {"x": {"dtype": "F32", "shape": [16], "data_offsets": [0, 64], **changes}}


def model_zip(config: object = CONFIG, tensors: bytes = b"", **more: bytes) -> bytes:
    body = config if isinstance(config, bytes) else json.dumps(config).encode()
    return archives.zipped({"m/config.json": body, "m/model.safetensors": tensors or weights(tensor()),
                            **{f"m/{k}": v for k, v in more.items()}}).getvalue()  # fmt: skip


def bad_models() -> Iterator[Case]:
    evil = pickle.dumps(Evil())
    for file in ("model.safetensors", "pytorch_model.bin", "model.pt", "model.pth", "last.ckpt"):
        content = archives.zipped(
            {"m/config.json": json.dumps(CONFIG).encode(), f"m/{file}": evil}
        ).getvalue()
        yield Case("model", f"a pickle called {file}", "pickle.zip", content)
    for what, tensors in {
        "length of 2^63": weights(tensor(), length=2**63),
        "length beyond the file": weights(tensor(), length=10**6),
        "no header": b"\0" * 8,
        "seven bytes": b"\0" * 7,
        "header of noise": weights(b"\xff" * 80),
        "deep header": weights(b"[" * 100_000),
        "unknown type": weights(tensor(dtype="F3")),
        "offsets that overlap": weights({**tensor(), "y": tensor()["x"]}),
        "offsets beyond": weights(tensor(data_offsets=[0, 10**15])),
        "offsets backwards": weights(tensor(data_offsets=[64, 0])),
        "negative shape": weights(tensor(shape=[-16])),
        "shape of 10^18": weights(tensor(shape=[10**9, 10**9])),
        "shape of 2^64": weights(tensor(shape=[2**63, 2])),
        "shape that is text": weights(tensor(shape="16")),
        "a million tensors": weights({f"t{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
                                      for i in range(100_000)}, b""),
        "metadata that is a list": weights({"__metadata__": [1], **tensor()}),
    }.items():  # fmt: skip
        yield Case("model", what, "weights.zip", model_zip(tensors=tensors))
    wrong: dict[str, dict[str, object]] = {
        "a class that is none": {"_model_class": "os.system"},
        "no class": {"_model_class": None},
        "a name of another place": {"encoder_name": "hf-hub:evil/model"},
        "a name of a folder": {"encoder_name": "local-dir:/etc"},
        "a name that climbs": {"encoder_name": "../../x"},
        "a name of HTML": {"encoder_name": "<script>alert(1)</script>"},
        "a name that is a list": {"encoder_name": ["a"] * 30},
        "a billion classes": {"classes": 10**9},
        "4096 classes": {"classes": 4096},
        "no classes": {"classes": 0},
        "negative channels": {"in_channels": -3},
        "channels of text": {"in_channels": "three"},
        "depth of 100": {"encoder_depth": 100},
        "wide decoder": {"decoder_channels": [4096] * 5},
        "long decoder": {"decoder_channels": [1] * 10_000},
        "nested decoder": {"decoder_channels": [[[[[1]]]]]},
        "an activation of code": {"activation": "__import__('os').system('touch /tmp/owned')"},
        "an unknown argument": {"evil": True},
        "weights to fetch": {"encoder_weights": "http://127.0.0.1:9/x"},
        "aux of code": {"aux_params": {"classes": 10**9, "pooling": "os.system"}},
    }
    for what, changes in wrong.items():
        yield Case("model", f"config: {what}", "config.zip", model_zip({**CONFIG, **changes}))
    for what, body in {"deep": b"[" * 100_000, "noise": b"\xff\xfe" * 99, "a list": b"[1]", "empty": b"",
                       "2 MB": json.dumps({**CONFIG, "x": "y" * 2_000_000}).encode()}.items():  # fmt: skip
        yield Case("model", f"config: {what}", "config.zip", model_zip(body))
        more = {"studio.json": body}
        yield Case("model", f"card: {what}", "card.zip", model_zip(**more))  # type: ignore[arg-type]
    good = model_zip()
    for seed in range(12):
        yield Case("model", f"bits flipped, seed {seed}", "flipped.zip", flipped(good, seed, 0.003))
    for cut in (0.1, 0.5, 0.9):
        yield Case("model", f"cut at {cut:.0%}", "cut.zip", good[: int(len(good) * cut)])
    for file in NAMES[:20]:
        content = archives.zipped({file: b"x", "m/config.json": b"{}"}).getvalue()
        yield Case("model", f"a member called {file[:30]!r}", "names.zip", content)
