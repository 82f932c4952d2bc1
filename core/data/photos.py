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
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from core.data.deep_colour import deep_colour, has_deep_colour, has_deep_planes
from core.data.value_range import Range, eight_bit
from core.errors import UserError, system_said
from core.policy.rate_limit import check_pixels, photos_in
from core.system.file_names import shown

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
SIDEWAYS = (5, 6, 7, 8)  # orientations that swap height and width. Source: EXIF 2.32, tag 274
# Of a damaged TIFF's fields; what cannot be used is reported once, in a sentence.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
_large_turn = threading.BoundedSemaphore(2)

Source = Path | bytes | BinaryIO


def open_picture(source: Source, name: str = "") -> ImageFile:
    """The file's header, checked, pixels not yet decoded.

    Raises UserError when it is no picture, or has more than MAX_PIXELS pixels.
    """
    label = label_of(source, name)
    with reading(label, f"{label} is not a picture that can be read: use JPEG, PNG, WebP or TIFF."):
        picture = _identified(source)
        if picture.width * picture.height > MAX_PIXELS:
            raise UserError(_too_large(label))
        if picture.format in ("JPEG", "MPO") and _scans(picture) > MAX_SCANS:
            raise UserError(f"{label} is built to keep the machine busy: save it again in another program.")
        if has_deep_planes(picture):
            raise UserError(f"{label} keeps each 16-bit colour in a plane of its own: save it interleaved.")
        return picture


@contextlib.contextmanager
def reading(label: str, otherwise: str = "") -> Iterator[None]:
    """Around every call that may touch a picture's bytes (`load`, `convert`, `getexif`, `n_frames` …).

    Pillow's readers answer damaged and hostile files with any kind of error; here each becomes a
    UserError that names the file. What the system refuses (rights, a disk that fails) is reported in the
    system's words, anything else is "damaged or incomplete", or `otherwise`.
    """
    try:
        yield
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(f"{label} does not exist.") from None
    except Image.DecompressionBombError:
        raise UserError(_too_large(label)) from None
    except MemoryError as error:
        raise UserError(f"{label} needs more memory than is free: make it smaller first.") from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise UserError(f"{label} cannot be read: {system_said(error)}.") from error
        raise UserError(
            otherwise or f"{label} is damaged or incomplete: replace it by a whole copy."
        ) from error


def _identified(source: Source) -> ImageFile:
    """By what is in the file; its name may say something else, as with HEIC photos called .jpg."""
    try:
        return _opened(source)
    except UnidentifiedImageError:
        if "HEIF" in Image.OPEN or not _register_heif():
            raise
        return _opened(source)


def _opened(source: Source) -> ImageFile:
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    if not isinstance(stream, Path):
        stream.seek(0)
    with warnings.catch_warnings():
        # Pillow warns from 89 megapixels on; the limit that counts is ours.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        picture = Image.open(stream, formats=_known_formats())
    if isinstance(picture, TiffImageFile) and picture.tag_v2.get(ORIENTATION_TAG) in SIDEWAYS:
        # Pillow maps plain TIFFs of a path into memory with height and width swapped; without it, it reads.
        picture.filename = ""
    return picture


def read_photo(
    source: Source, name: str = "", max_side: int | None = None, value_range: Range | None = None
) -> NDArray[np.uint8]:
    """A photo as RGB, upright. Returns uint8 of shape (height, width, 3).

    EXIF orientation is applied, transparency is laid on white. Values of more than
    8 bits are scaled from `value_range`, without one as core.data.value_range says.
    With `max_side` the longer side is at most that many pixels (JPEGs then decode faster).
    Raises UserError for files that are damaged, too large or no picture.
    """
    picture = open_picture(source, name)
    with reading(label_of(source, name)), _turn(picture):
        if has_deep_colour(picture):
            rgb = _to_rgb(_as_picture(deep_values(source, picture), value_range))
        else:
            rgb = _decoded(picture, max_side, value_range)
        if max_side and max(rgb.size) > max_side:
            rgb.thumbnail((max_side, max_side), Image.Resampling.BOX)
        return np.asarray(rgb)


def deep_values(source: Source, picture: ImageFile) -> NDArray[np.uint16]:
    """Upright samples (h, w, 3 or 4) of an opened photo with 16-bit colours."""
    return deep_colour(picture, _opened(source))


def _as_picture(values: NDArray[np.uint16], value_range: Range | None) -> Image.Image:
    colours = eight_bit(values[..., :3], value_range)
    alpha = eight_bit(values[..., 3:], (0.0, 65535.0))
    return Image.fromarray(np.concatenate([colours, alpha], axis=2))


def _decoded(picture: Image.Image, max_side: int | None, value_range: Range | None) -> Image.Image:
    if max_side and max(picture.size) > max_side and picture.format in ("JPEG", "MPO"):
        # Decoded small in whole blocks, of which the last may reach past the edge: Pillow's thumbnail
        # cuts that off, so that the photo does not slide against its mask.
        picture.thumbnail((max_side, max_side), Image.Resampling.BOX)
    return _to_rgb(ImageOps.exif_transpose(picture), value_range)


@contextlib.contextmanager
def _turn(picture: Image.Image) -> Iterator[None]:
    """Few large pictures are decoded at once, and small ones do not wait for them."""
    if picture.width * picture.height < LARGE:
        yield
        return
    with _large_turn:
        yield


def _scans(picture: Image.Image) -> int:
    """How often a JPEG's data begin again. In the data themselves this mark cannot occur."""
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
    turned = orientation(picture, label_of(source, name)) in SIDEWAYS
    if isinstance(picture, TiffImageFile) and ORIENTATION_TAG in picture.tag_v2:
        turned = False  # Pillow gives a TIFF's size as it is seen
    return (picture.width, picture.height) if turned else (picture.height, picture.width)


def orientation(picture: Image.Image, label: str) -> int:
    """The EXIF orientation of an opened picture, 1 where it has none. No pixel is decoded for it, save
    in a PNG that keeps such words behind its pixels. Raises UserError, naming `label`."""
    with reading(label):
        if picture.format == "PNG" and "exif" not in picture.info and not _says_more_at_the_end(picture):
            return 1  # Pillow's getexif would decode the whole file to find the same
        found = picture.getexif().get(ORIENTATION_TAG, 1)
        return found if isinstance(found, int) else 1


def _says_more_at_the_end(picture: Image.Image) -> bool:
    """Whether a PNG has text or EXIF behind its pixels. Source: PNG specification, 5.3 and 11.3."""
    if picture.info.keys() & {"xmp", "XML:com.adobe.xmp", "Raw profile type exif"}:
        return True
    stream: BinaryIO | None = getattr(picture, "fp", None)
    if stream is None:  # decoded already
        return True
    place, behind = stream.tell(), False
    stream.seek(8)
    try:
        while len(head := stream.read(8)) == 8:
            behind = behind or head[4:] == b"IDAT"
            if behind and head[4:] in (b"eXIf", b"iTXt", b"zTXt", b"tEXt"):
                return True
            stream.seek(int.from_bytes(head[:4], "big") + 4, io.SEEK_CUR)
        return False
    finally:
        stream.seek(place)


def label_of(source: Source, name: str = "") -> str:
    """How a picture is called in a sentence."""
    return name or (shown(source.name) if isinstance(source, Path) else "The picture")


def photo_cost(source: Source, name: str = "", passes: int = 1) -> int:
    """How many photos of a visitor's quota this one counts as, by its megapixels and by the forward passes
    of its prediction. Does not decode it.

    Raises UserError if it is not a picture, or is larger than this server accepts.
    """
    height, width = photo_size(source, name)
    check_pixels(height * width, name or "The picture")
    return photos_in(height * width) * passes


def is_wide(picture: Image.Image) -> bool:
    """Whether a picture holds grey values of more than 8 bits, by its header."""
    return picture.mode.startswith(("I", "F"))


def value_extremes(source: Source, name: str = "") -> Range | None:
    """The lowest and highest value of a photo of more than 8 bits, None for all others."""
    picture = open_picture(source, name)
    if not (is_wide(picture) or has_deep_colour(picture)):
        return None
    with reading(label_of(source, name)), _turn(picture):
        if has_deep_colour(picture):
            values = deep_values(source, picture)[..., :3]
        else:
            values = np.nan_to_num(np.asarray(picture, np.float64))
        return float(values.min()), float(values.max())


def _to_rgb(picture: Image.Image, value_range: Range | None = None) -> Image.Image:
    if is_wide(picture):
        return Image.fromarray(eight_bit(np.asarray(picture), value_range)).convert("RGB")
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        rgba = picture.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return picture.convert("RGB")


def _too_large(label: str) -> str:
    return f"{label} has more than {MAX_PIXELS // 1_000_000} megapixels: make it smaller first."


def _register_heif() -> bool:
    """Whether iPhone photos can be read; the package is optional, and takes a moment to load."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return False
    register_heif_opener()
    return True
