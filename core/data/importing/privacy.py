"""Photos as they are kept: the same pixels, without the place and the person the camera wrote into them."""

import io
import struct
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from core.data.photos import ORIENTATION_TAG, is_wide, open_picture, orientation, read_photo, reading
from core.imaging.rendering import encode

HEIF_QUALITY = 95
# From a picture as it is seen to one that this orientation belongs to. Source: EXIF 2.32, tag 274.
_AS_STORED = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
              4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
              6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
              8: Image.Transpose.ROTATE_270}  # fmt: skip
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
        stream = io.BytesIO()
        Image.fromarray(read_photo(content, name)).save(stream, "JPEG", quality=HEIF_QUALITY, subsampling=0)
        return ".jpg", stream.getvalue()
    with reading(name):
        says_more = picture.getexif() or "xmp" in picture.info or getattr(picture, "n_frames", 1) > 1
    if says_more and is_wide(picture):
        return ".tif", _bare_tiff(picture, name)
    if says_more:
        return ".png", _as_png(read_photo(content, name), orientation(picture, name))
    return suffix, content


def _as_png(upright: NDArray[np.uint8], turn: int) -> bytes:
    """A photo (h, w, 3) stored as it was: masks without an orientation are turned like their photo."""
    if turn not in _AS_STORED:
        return encode(upright)
    stream, exif = io.BytesIO(), Image.Exif()
    exif[ORIENTATION_TAG] = turn
    Image.fromarray(upright).transpose(_AS_STORED[turn]).save(stream, "PNG", exif=exif)
    return stream.getvalue()


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


def _bare_tiff(picture: Image.Image, name: str) -> bytes:
    """Grey values of more than 8 bits as they are, upright, and nothing else."""
    stream = io.BytesIO()
    with reading(name):
        values = np.asarray(ImageOps.exif_transpose(picture))
    Image.fromarray(np.ascontiguousarray(values.astype(values.dtype.newbyteorder("=")))).save(stream, "TIFF")
    return stream.getvalue()


def _orientation_segment(turn: int) -> bytes:
    """An Exif segment that holds the orientation and nothing else."""
    tiff = (
        b"MM\0*\0\0\0\x08" + struct.pack(">H", 1) + struct.pack(">HHIHH", 0x0112, 3, 1, turn, 0) + b"\0\0\0\0"
    )
    body = b"Exif\0\0" + tiff
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
