"""One picture file in, one array out: every colour mode, orientation and depth that photos come in."""

import contextlib
import io
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from core.errors import UserError

PHOTO_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".heic", ".heif"}
)
MASK_SUFFIXES = frozenset({".png", ".bmp", ".tif", ".tiff", ".gif", ".jpg", ".jpeg", ".webp"})
# What is decoded, by Pillow's names. Of its many other formats some start programs to be read (EPS).
FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "BMP", "TIFF", "GIF", "HEIF", "AVIF")
MAX_PIXELS = 120_000_000  # a 108-megapixel phone photo opens; a decompression bomb does not
MAX_SCANS = 120  # of a progressive JPEG; encoders write about ten, and each takes as long as a photo
LARGE = 24_000_000  # pixels; decoding takes gigabytes where many arrive at once, so these take turns
ORIENTATION_TAG = 0x0112
_large_turn = threading.BoundedSemaphore(2)

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
            picture = Image.open(stream, formats=_known_formats())
    except FileNotFoundError:
        raise UserError(f"{label} is not there any more.") from None
    except Exception as e:  # Pillow's readers answer hostile headers with any kind of error
        if isinstance(e, Image.DecompressionBombError):
            raise UserError(_too_large(label)) from None
        raise UserError(f"{label} is not a picture that can be read: use JPEG, PNG, WebP or TIFF.") from e
    if picture.width * picture.height > MAX_PIXELS:
        raise UserError(_too_large(label))
    if picture.format in ("JPEG", "MPO") and _scans(picture) > MAX_SCANS:
        raise UserError(f"{label} is built to keep the machine busy: save it anew in another program.")
    return picture


def read_photo(source: Source, name: str = "", max_side: int | None = None) -> NDArray[np.uint8]:
    """A photo as RGB, upright. Returns uint8 of shape (height, width, 3).

    EXIF orientation is applied, transparency is laid on white, 16-bit values are scaled to 8.
    With `max_side` the longer side is at most that many pixels (JPEGs then decode faster).
    Raises UserError for files that are damaged, too large or no picture.
    """
    picture = open_picture(source, name)
    label = name or (source.name if isinstance(source, Path) else "The picture")
    try:
        with _turn(picture):
            return _decoded(picture, max_side)
    except Exception as error:  # as above
        raise UserError(f"{label} is damaged or incomplete: replace it by a whole copy.") from error


def _decoded(picture: Image.Image, max_side: int | None) -> NDArray[np.uint8]:
    if max_side and max(picture.size) > max_side:
        picture.draft("RGB", (max_side, max_side))  # no effect on other formats than JPEG
    upright = ImageOps.exif_transpose(picture)
    rgb = _to_rgb(upright)
    if max_side and max(rgb.size) > max_side:
        rgb.thumbnail((max_side, max_side), Image.Resampling.BOX)
    return np.asarray(rgb)


@contextlib.contextmanager
def _turn(picture: Image.Image) -> Iterator[None]:
    """Few large pictures are decoded at once, and small ones do not wait for them."""
    if picture.width * picture.height < LARGE:
        yield
        return
    with _large_turn:
        yield


def _scans(picture: Image.Image) -> int:
    """How often a JPEG's data begin anew. In the data themselves this mark cannot occur."""
    stream: BinaryIO | None = getattr(picture, "fp", None)
    if stream is None:
        return 0
    place = stream.tell()
    stream.seek(0)
    count = stream.read().count(b"\xff\xda")
    stream.seek(place)
    return count


def _known_formats() -> tuple[str, ...]:
    """Those of FORMATS that this Pillow can open."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


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
