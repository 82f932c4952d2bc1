"""Colour photos of 16 bits a channel, written sample by sample."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL.TiffImagePlugin import ImageFileDirectory_v2

Deep = NDArray[np.uint16]


def samples(channels: int = 3, top: int = 65535) -> Deep:
    """Random values up to `top`, (19, 31, channels), black and white among them."""
    values = np.random.default_rng(7).integers(0, top + 1, (19, 31, channels)).astype(np.uint16)
    values[0, 0], values[0, 1] = 0, top
    return values


def png(values: Deep, clear: tuple[int, int, int] | None = None, turn: int = 1) -> bytes:
    """Grey and alpha, RGB or RGBA, with one transparent colour or an orientation where given."""
    height, width, channels = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, 0))]
    if clear:
        chunks.append((b"tRNS", struct.pack(">HHH", *clear)))
    if turn > 1:
        chunks.append((b"eXIf", b"MM\0*\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, turn, 0, 0)))
    chunks += [(b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    body = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


def tiff(
    values: Deep, order: str = "II", alpha: int = 2, planes: bool = False, packed: bool = False, turn: int = 1
) -> bytes:
    """RGB, or RGBA whose alpha is of this kind (TIFF 6.0, ExtraSamples), in byte order "II" or "MM"."""
    height, width, channels = values.shape
    laid = values.transpose(2, 0, 1) if planes else values
    pixels = laid.astype("<u2" if order == "II" else ">u2").tobytes()
    strips = np.split(np.frombuffer(pixels, np.uint8), channels) if planes else [pixels]
    parts = [zlib.compress(bytes(strip)) if packed else bytes(strip) for strip in strips]
    starts = np.cumsum([0, *map(len, parts)])[:-1]  # Pillow adds where the directory ends
    magic = b"II*\0" if order == "II" else b"MM\0*"
    tags = ImageFileDirectory_v2(magic + bytes(4))
    tags[256], tags[257], tags[258], tags[259] = width, height, (16,) * channels, 8 if packed else 1
    tags[262], tags[273], tags[274], tags[277] = 2, tuple(map(int, starts)), turn, channels
    tags[278], tags[279], tags[284] = height, tuple(map(len, parts)), 2 if planes else 1
    if channels == 4:
        tags[338] = alpha
    return magic + struct.pack("<I" if order == "II" else ">I", 8) + tags.tobytes(8) + b"".join(parts)
