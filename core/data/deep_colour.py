"""Colour photos of 16 bits a channel, in full depth.

Pillow decodes them to 8 bits: it keeps the high byte of each sample. Which of two bytes that is, the raw
mode of the file's tiles says ("RGB;16B", "RGB;16L"). Decoded a second time with the order swapped, the
same file gives the low bytes.
"""

import sys

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from PIL.ImageFile import ImageFile

GREY_AND_ALPHA = "LA;16B"  # of PNG: the four bytes of a pixel, one for one, when it is read as RGBA
_RAW_MODES = {f"{mode};16{order}" for mode in ("RGB", "RGBA", "RGBX", "RGBa") for order in "LBN"}
_SWAPPED = {"L": "B", "B": "L", "N": "B" if sys.byteorder == "little" else "L"}
_BITS, _PLANAR = 258, 284  # TIFF 6.0: BitsPerSample, PlanarConfiguration
_TOP = 65535


def has_deep_colour(picture: Image.Image) -> bool:
    """Whether a picture has colours of 16 bits, by its header: it must not be decoded yet."""
    return _raw_mode(picture) in _RAW_MODES | {GREY_AND_ALPHA}


def has_deep_planes(picture: Image.Image) -> bool:
    """Whether it is a TIFF that keeps each colour of 16 bits in a plane, which Pillow reads wrongly."""
    tags = getattr(picture, "tag_v2", {})
    bits = tags.get(_BITS, ())
    return tags.get(_PLANAR) == 2 and len(bits) > 2 and 16 in bits


def deep_colour(picture: ImageFile, again: ImageFile) -> NDArray[np.uint16]:
    """Every sample of a photo, upright: uint16 (h, w, 3), or (h, w, 4) where it has transparency.

    `picture` and `again` are the same file, opened twice and not decoded yet.
    """
    raw, clear = _raw_mode(picture), picture.info.get("transparency")
    if raw == GREY_AND_ALPHA:
        _read_as(picture, "RGBA")
        halves = np.asarray(ImageOps.exif_transpose(picture))
        return _joined(halves[..., 0::2], halves[..., 1::2])[..., [0, 0, 0, 1]]
    plain = raw.replace("a", "A")  # as it lies there; Pillow would divide each byte by the high byte of alpha
    _read_as(picture, plain)
    _read_as(again, plain[:-1] + _SWAPPED[plain[-1]])
    high, low = (np.asarray(ImageOps.exif_transpose(half)) for half in (picture, again))
    values = _joined(high, low)
    if raw != plain:
        return _divided_by_alpha(values)
    if isinstance(clear, tuple):  # the one colour of a PNG that is transparent
        alpha = np.where((values == clear).all(axis=2), 0, _TOP)
        return np.dstack([values, alpha.astype(np.uint16)])
    return values


def _joined(high: NDArray[np.uint8], low: NDArray[np.uint8]) -> NDArray[np.uint16]:
    return np.asarray(high.astype(np.uint16) << np.uint16(8) | low, np.uint16)


def _divided_by_alpha(values: NDArray[np.uint16]) -> NDArray[np.uint16]:
    colours, alpha = values[..., :3].astype(np.float64), values[..., 3:]
    colours *= _TOP / np.maximum(alpha, 1)
    return np.concatenate([colours.clip(0, _TOP).round().astype(np.uint16), alpha], axis=2)


def _raw_mode(picture: Image.Image) -> str:
    tiles = picture.tile if isinstance(picture, ImageFile) else []
    args = tiles[0].args if tiles else None
    return str(args[0]) if isinstance(args, tuple) and args else str(args)


def _read_as(picture: ImageFile, raw: str) -> None:
    picture.tile = [
        tile._replace(args=(raw, *tile.args[1:]) if isinstance(tile.args, tuple) else raw)
        for tile in picture.tile
    ]
