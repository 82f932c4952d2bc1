"""Photos: damaged, huge, of other types, and badly named."""

import io
import pickle
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image
from pillow_heif import register_heif_opener

from tests.core import archives
from tests.hostile.case import NAMES, Case, Evil, encoded, flipped, patched

register_heif_opener()
FLIPS, CUTS = 6, (0.02, 0.3, 0.6, 0.9, 0.999)


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


def named_badly() -> Iterator[Case]:
    for file in NAMES:
        yield Case("photo", "its name", file, encoded("JPEG"))
