"""Pictures of every accepted format, and every way in which a file of them arrives broken."""

import io
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image
from pillow_heif import register_heif_opener

register_heif_opener()
SIZE = (48, 36)  # width, height
GOOD = 4  # whole pairs beside the damaged ones
FORMS = {  # suffix: what Pillow calls it, and how it is saved
    ".jpg": ("JPEG", {}),
    ".jpeg": ("JPEG", {"progressive": True}),
    ".png": ("PNG", {}),
    ".webp": ("WEBP", {}),
    ".bmp": ("BMP", {}),
    ".tif": ("TIFF", {"compression": "tiff_deflate"}),
    ".tiff": ("TIFF", {}),
    ".gif": ("GIF", {}),
    ".heic": ("HEIF", {}),
    ".heif": ("HEIF", {}),
}
MASK_FORMS = tuple(suffix for suffix in FORMS if suffix not in (".heic", ".heif"))


@dataclass(frozen=True)
class Damage:
    """`lost`: nothing can be made of it, so it must be named. Otherwise it may be used or named."""

    name: str
    content: bytes
    lost: bool


@cache
def whole(suffix: str, is_mask: bool = False) -> bytes:
    rng = np.random.default_rng(3)
    if is_mask:
        pixels = np.zeros((SIZE[1], SIZE[0]), np.uint8)
        pixels[6:24, 10:30] = 255
    else:
        noise = rng.integers(0, 60, (SIZE[1], SIZE[0], 3))
        pixels = (noise + np.linspace(0, 180, SIZE[0])[None, :, None]).astype(np.uint8)
    form, options = FORMS[suffix]
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, form, **options)
    return stream.getvalue()


@cache
def damages(suffix: str, is_mask: bool = False) -> tuple[Damage, ...]:
    return tuple(_damages(suffix, is_mask))


def _damages(suffix: str, is_mask: bool) -> Iterator[Damage]:
    content = whole(suffix, is_mask)
    yield Damage("empty", b"", True)
    yield Damage("cut to the name of its format", content[:4], True)
    yield Damage("cut in the header", content[: min(40, len(content) // 3)], True)
    yield Damage("cut at a half", content[: len(content) // 2], True)
    yield Damage("cut near the end", content[: len(content) * 9 // 10], False)
    yield Damage("without its last bytes", content[:-3], False)
    yield Damage("zeros", b"\0" * len(content), True)
    yield Damage("zeros behind the header", content[:60] + b"\0" * (len(content) - 60), False)
    yield Damage("an error page", b"<!doctype html><title>404 Not Found</title>" * 9, True)
    other = ".png" if FORMS[suffix][0] != "PNG" else ".jpg"
    yield Damage("another format by this name", whole(other, is_mask), False)
    for seed in range(6):
        flipped, rng = bytearray(content), random.Random(seed)
        for _ in range(1 + 3 * seed):
            flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
        yield Damage(f"bits flipped, {seed}", bytes(flipped), False)


def write_pairs(root: Path, suffix: str) -> tuple[list[str], dict[str, bool]]:
    """A data set with GOOD pairs, a pair for each damage of a photo and one for each of a mask.

    Returns the stems of the whole pairs, and of the others whether they are lost.
    """
    (root / "images").mkdir(parents=True)
    (root / "masks").mkdir()
    mask_suffix = suffix if suffix in MASK_FORMS else ".png"
    good = [f"good {i}" for i in range(GOOD)]
    for stem in good:
        (root / "images" / f"{stem}{suffix}").write_bytes(whole(suffix))
        (root / "masks" / f"{stem}{mask_suffix}").write_bytes(whole(mask_suffix, True))
    lost: dict[str, bool] = {}
    for damage in damages(suffix):
        lost[f"photo {damage.name}"] = damage.lost
        (root / "images" / f"photo {damage.name}{suffix}").write_bytes(damage.content)
        (root / "masks" / f"photo {damage.name}{mask_suffix}").write_bytes(whole(mask_suffix, True))
    for damage in damages(mask_suffix, True):
        lost[f"mask {damage.name}"] = damage.lost
        (root / "images" / f"mask {damage.name}{suffix}").write_bytes(whole(suffix))
        (root / "masks" / f"mask {damage.name}{mask_suffix}").write_bytes(damage.content)
    return good, lost
