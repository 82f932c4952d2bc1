"""Photos as they are kept: the same pixels, without the place and the person the camera wrote into them."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import PurePosixPath

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from core.data.deep_colour import has_deep_colour
from core.data.photos import (
    ORIENTATION_TAG,
    deep_values,
    is_wide,
    open_picture,
    orientation,
    read_photo,
    reading,
)
from core.imaging.rendering import encode

QUALITY = 95  # of a JPEG that has to be compressed again
_PNG_HEAD = 33  # bytes before the first chunk that may hold EXIF: signature and IHDR
Samples = NDArray[np.generic]
# From a picture as it is seen to one that this orientation belongs to. Source: EXIF 2.32, tag 274.
_AS_STORED: dict[int, Callable[[Samples], Samples]] = {
    2: np.fliplr,
    3: lambda seen: np.rot90(seen, 2),
    4: np.flipud,
    5: lambda seen: seen.swapaxes(0, 1),
    6: np.rot90,
    7: lambda seen: np.rot90(seen, 2).swapaxes(0, 1),
    8: lambda seen: np.rot90(seen, -1),
}
# Camera data and its kin: APP1 (Exif, XMP), APP13 (Photoshop, with the photographer's name), comments.
_PRIVATE = {0xE1, 0xED, 0xFE}


def for_keeping(content: bytes, name: str) -> tuple[str, bytes]:
    """Suffix and bytes of a photo to keep. Orientation stays, everything else that is not picture goes.

    JPEG files keep their compressed pixels to the last bit. iPhone's HEIC becomes JPEG, because not
    everything reads it. Raises UserError for what is no picture, or the beginning of one.
    """
    picture = open_picture(content, name)
    if not _ends_as_it_should(content, picture.format or ""):
        read_photo(content, name, max_side=64)
    suffix = PurePosixPath(name).suffix.lower()
    if picture.format == "JPEG":
        return ".jpg", _bare_jpeg(content, orientation(picture, name))
    if picture.format in ("HEIF", "HEIC", "AVIF"):
        return ".jpg", _as_jpeg(read_photo(content, name))
    with reading(name):
        says_more = picture.getexif() or "xmp" in picture.info or getattr(picture, "n_frames", 1) > 1
        turn = orientation(picture, name)
    if says_more and is_wide(picture):
        return ".tif", _bare_tiff(picture, name, turn)
    if says_more and has_deep_colour(picture):
        with reading(name):
            return ".png", _deep_png(_as_stored(deep_values(content, picture), turn), turn)
    if says_more:
        return ".png", _as_png(read_photo(content, name), turn)
    return suffix, content


def upright_copy(content: bytes, name: str) -> tuple[str, bytes] | None:
    """Suffix and bytes of the photo for readers that ignore its orientation; None where it has none.

    Pixels are those that `read_photo` gives, at their full depth; a JPEG is compressed again.
    """
    picture = open_picture(content, name)
    if orientation(picture, name) not in _AS_STORED:
        return None
    if is_wide(picture):
        return ".tif", _bare_tiff(picture, name, 1)
    with reading(name):
        if has_deep_colour(picture):
            return ".png", _deep_png(deep_values(content, picture), 1)
    if picture.format in ("JPEG", "MPO"):
        return ".jpg", _as_jpeg(read_photo(content, name))
    return ".png", encode(read_photo(content, name))


def _as_jpeg(photo: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(photo).save(stream, "JPEG", quality=QUALITY, subsampling=0)
    return stream.getvalue()


def _as_stored(upright: Samples, turn: int) -> Samples:
    """A photo (h, w, ...) as it was in its file: masks without an orientation are turned like their photo."""
    return np.ascontiguousarray(_AS_STORED[turn](upright)) if turn in _AS_STORED else upright


def _as_png(upright: NDArray[np.uint8], turn: int) -> bytes:
    if turn not in _AS_STORED:
        return encode(upright)
    stream, exif = io.BytesIO(), Image.Exif()
    exif[ORIENTATION_TAG] = turn
    Image.fromarray(_as_stored(upright, turn)).save(stream, "PNG", exif=exif)
    return stream.getvalue()


def _deep_png(stored: Samples, turn: int) -> bytes:
    """uint16 (h, w, 3 or 4), which Pillow cannot write, with its orientation.
    Source: PNG specification, 5.3 and 11.3.2."""
    blue_first = stored.astype(np.uint16)[..., [2, 1, 0, 3][: stored.shape[2]]]
    content = cv2.imencode(".png", blue_first)[1].tobytes()
    if turn not in _AS_STORED:
        return content
    body = b"eXIf" + _orientation_exif(turn)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return content[:_PNG_HEAD] + chunk + content[_PNG_HEAD:]


def _ends_as_it_should(content: bytes, form: str) -> bool:
    """Whether the end is there, at sight: decoding every photo would take longer than copying it.
    Sources: ITU T.81, B.1.1 (these marks do not occur in compressed data); PNG specification, 11.2.5."""
    if form == "JPEG":
        return content.rfind(b"\xff\xd9") > content.rfind(b"\xff\xda")
    return form == "PNG" and b"IEND" in content[-64:]


def _bare_jpeg(content: bytes, turn: int) -> bytes:
    """The file without its private segments. Source: ITU T.81, annex B; Exif 2.32, 4.7.2."""
    kept, at = bytearray(content[:2]), 2
    if turn in range(2, 9):
        kept += _orientation_segment(turn)
    while at + 4 <= len(content):
        if content[at] != 0xFF:
            return bytes(content)  # no orderly list of segments; decoders are on their own too
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == 0xDA:  # the compressed pixels, to the end
            end = content.rfind(b"\xff\xd9")
            return bytes(kept) + content[at : end + 2 if end > at else None]
        length = struct.unpack_from(">H", content, at + 2)[0]
        if marker not in _PRIVATE:
            kept += content[at : at + 2 + length]
        at += 2 + length
    return bytes(content)


def _bare_tiff(picture: Image.Image, name: str, turn: int) -> bytes:
    """Grey values of more than 8 bits as they are, with their orientation, and nothing else."""
    stream = io.BytesIO()
    with reading(name):
        values = _as_stored(np.asarray(ImageOps.exif_transpose(picture)), turn)
    tags = {ORIENTATION_TAG: turn} if turn in _AS_STORED else {}
    native = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("=")))
    Image.fromarray(native).save(stream, "TIFF", tiffinfo=tags)
    return stream.getvalue()


def _orientation_segment(turn: int) -> bytes:
    """An Exif segment that holds the orientation and nothing else."""
    body = b"Exif\0\0" + _orientation_exif(turn)
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def _orientation_exif(turn: int) -> bytes:
    """One directory of one tag. Source: TIFF 6.0, section 2."""
    return (
        b"MM\0*\0\0\0\x08" + struct.pack(">H", 1) + struct.pack(">HHIHH", 0x0112, 3, 1, turn, 0) + b"\0\0\0\0"
    )
