"""One picture file in, one array out: every colour mode, orientation and depth that photos come in."""

import io
import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from core.errors import UserError

PHOTO_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".heic", ".heif"}
)
MASK_SUFFIXES = frozenset({".png", ".bmp", ".tif", ".tiff", ".gif", ".jpg", ".jpeg", ".webp"})
MAX_PIXELS = 120_000_000  # a 108-megapixel phone photo opens; a decompression bomb does not
ORIENTATION_TAG = 0x0112

Source = Path | bytes | BinaryIO


def open_picture(source: Source, name: str = "") -> Image.Image:
    """The file's header, checked, pixels not yet decoded.

    Raises UserError when it is no picture, or has more than MAX_PIXELS pixels.
    """
    label = name or (source.name if isinstance(source, Path) else "The picture")
    if label.lower().endswith((".heic", ".heif")) or not isinstance(source, Path):
        _register_heif()
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        with warnings.catch_warnings():
            # Pillow warns from 89 megapixels on; the limit that counts is ours, below.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(stream)
    except FileNotFoundError:
        raise UserError(f"{label} is not there any more.") from None
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as e:
        if isinstance(e, Image.DecompressionBombError):
            raise UserError(_too_large(label)) from None
        raise UserError(f"{label} is not a picture that can be read: use JPEG, PNG, WebP or TIFF.") from e
    if picture.width * picture.height > MAX_PIXELS:
        raise UserError(_too_large(label))
    return picture


def read_photo(source: Source, name: str = "", max_side: int | None = None) -> NDArray[np.uint8]:
    """A photo as RGB, upright. Returns uint8 of shape (height, width, 3).

    EXIF orientation is applied, transparency is laid on white, 16-bit values are scaled to 8.
    With `max_side` the longer side is at most that many pixels (JPEGs then decode faster).
    Raises UserError for files that are damaged, too large or no picture.
    """
    picture = open_picture(source, name)
    label = name or (source.name if isinstance(source, Path) else "The picture")
    if max_side and max(picture.size) > max_side:
        picture.draft("RGB", (max_side, max_side))  # no effect on other formats than JPEG
    try:
        upright = ImageOps.exif_transpose(picture)
        rgb = _to_rgb(upright)
        if max_side and max(rgb.size) > max_side:
            rgb.thumbnail((max_side, max_side), Image.Resampling.BOX)
        return np.asarray(rgb)
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise UserError(f"{label} is damaged or incomplete: replace it by a whole copy.") from error


def photo_size(source: Source, name: str = "") -> tuple[int, int]:
    """(height, width) in pixels as the photo is seen, that is after EXIF orientation."""
    picture = open_picture(source, name)
    turned = picture.getexif().get(ORIENTATION_TAG, 1) in (5, 6, 7, 8)
    return (picture.width, picture.height) if turned else (picture.height, picture.width)


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith(("I;16", "I", "F")):
        return Image.fromarray(_eight_bit(np.asarray(picture))).convert("RGB")
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        rgba = picture.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return picture.convert("RGB")


def _eight_bit(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Greyscale of 16 bits or floats to 8: by the type's range for 16 bits, by 0..1 for floats in it."""
    scaled = np.nan_to_num(np.asarray(values, np.float64))
    top = 1.0 if np.issubdtype(values.dtype, np.floating) and scaled.max(initial=0) <= 1 else 65535.0
    if top > 1 and scaled.max(initial=0) <= 255:
        top = 255.0  # eight-bit values kept in a wide type
    return (np.clip(scaled / top, 0, 1) * 255).round().astype(np.uint8)


def _too_large(label: str) -> str:
    return f"{label} has more than {MAX_PIXELS // 1_000_000} megapixels: make it smaller first."


def _register_heif() -> None:
    try:
        from pillow_heif import register_heif_opener
    except ImportError:  # optional: without it iPhone photos are refused by name
        return
    register_heif_opener()
