"""What the values in mask files mean, decided once for a whole data set and written down.

One file cannot tell: an all-ones mask is "everything" in a data set of 0/1 masks and almost
nothing in one of 0/255 masks. So `guess_encoding` in tally.py looks at many files, and
`BinaryEncoding` keeps the answer.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.data.palettes import (
    DARK,
    PALETTES,
    Palette,
    palette_values,
)
from core.data.photos import SIDEWAYS, Source, label_of, open_picture, orientation, photo_size, reading
from core.errors import UserError
from core.imaging.resizing import resize_picture
from core.task import IGNORE, Task

LOSSY_SUFFIXES = {".jpg", ".jpeg", ".webp"}
VOID = 255


@dataclass(frozen=True, slots=True)
class BinaryEncoding:
    """Pixels with value >= `level` are foreground; those of `void` (-1: none) count for nothing.

    With `values`, only pixels of just these values are foreground; `inverted`: all the others are
    instead. With `known`, every value but these is void too. `palette` is what the colours of masks
    with a palette mean. `is_of_ids`: the values are class indices or instance ids, and not one foreground.
    """

    level: int = 1
    void: int = -1
    meaning: str = "every value above 0 is foreground"
    values: tuple[int, ...] = ()
    inverted: bool = False
    known: tuple[int, ...] = ()
    palette: Palette = ""
    is_of_ids: bool = False

    def foreground(self, values: NDArray[np.int32]) -> NDArray[np.uint8]:
        """Raw values (height, width) -> 0 or 1, uint8, same shape."""
        inside = np.isin(values, self.values) if self.values else values >= self.level
        if self.inverted:
            inside = ~inside
        return np.asarray(inside & ~self.is_void(values), np.uint8)

    def is_void(self, values: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Where raw values (height, width) say neither foreground nor background, bool, same shape."""
        outside = values == self.void if self.void >= 0 else np.zeros(values.shape, np.bool_)
        return outside | ~np.isin(values, self.known) if self.known else outside

    @property
    def has_void(self) -> bool:
        return self.void >= 0 or bool(self.known)

    @property
    def task(self) -> Task:
        return Task()

    def labels(self, values: NDArray[np.int32]) -> NDArray[np.uint8]:
        """Raw values (height, width) -> 0, 1, or IGNORE where they are void; uint8, same shape."""
        labels = self.foreground(values)
        if self.has_void:
            labels[self.is_void(values)] = IGNORE
        return labels

    def resize(self, labels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
        return resize_mask(labels, size)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "BinaryEncoding":
        try:
            return cls(
                int(values["level"]),
                int(values["void"]),
                str(values["meaning"]),
                tuple(map(int, values.get("values", ()))),
                bool(values.get("inverted", False)),
                tuple(map(int, values.get("known", ()))),
                palette_from(values),
                # Encodings from before this was kept say it in words alone.
                bool(values.get("is_of_ids", str(values["meaning"]).startswith("class indices"))),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(
                "dataset.json holds a mask encoding that cannot be read: delete the file."
            ) from error


def palette_from(written: Mapping[str, Any]) -> Palette:
    """What an encoding in dataset.json says of palettes; "" where it says nothing. Raises ValueError."""
    return cast(Palette, PALETTES[PALETTES.index(written.get("palette", ""))])


def mask_values(
    path: Source, photo: Source | None = None, name: str = "", palette: Palette = ""
) -> NDArray[np.int32]:
    """The raw values of a mask file, shape (height, width): grey level, class index or instance id.

    Transparent pictures give their alpha, those with a palette what the `palette` of their data set
    means, colour pictures 255 wherever they are not black. A mask stored as the camera held it is turned
    like its `photo`. Raises UserError when the file cannot be read.
    """
    label = name or (path.name if isinstance(path, Path) else "A mask")
    picture = open_picture(path, label)
    own = orientation(picture, label)
    with reading(label):
        values = raw_values(picture, palette, label)
    if own != 1:
        # Pillow has turned the pixels of a TIFF already.
        return values if picture.format == "TIFF" else _turn(values, own)
    if photo is None:
        return values
    turn = orientation(open_picture(photo), label_of(photo))
    if turn in SIDEWAYS and not same_shape(values.shape, photo_size(photo)):
        return _turn(values, turn)
    return values


def may_be_turned(mask: Path, photo: Path, shape: tuple[int, ...]) -> bool:
    """Whether nobody can tell if this mask of (height, width) `shape` is to be turned like its photo:
    the photo has an EXIF orientation, the mask has none, and its shape fits either way.

    Raises UserError when a file cannot be read.
    """
    turn = orientation(open_picture(photo), photo.name)
    if turn == 1 or orientation(open_picture(mask), mask.name) != 1:
        return False
    size = photo_size(photo)
    return turn not in SIDEWAYS or (same_shape(shape, size) and same_shape(shape, size[::-1]))


def swapped(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Labels of 0, 1 and IGNORE with foreground and background exchanged."""
    return np.where(labels == IGNORE, labels, 1 - labels)


def same_shape(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether two (height, width) are the same picture at two resolutions: within 1 % or 1.5 pixels."""
    (h1, w1), (h2, w2) = one[:2], other[:2]
    expected = h1 * w2 / w1
    return abs(expected - h2) <= max(1.5, 0.01 * h2)


def resize_mask(mask: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """A mask of 0, 1 and IGNORE at (height, width), uint8: by area when shrinking, so that thin parts
    survive. A pixel is known where half of what it covers is, and then foreground where half of that is."""
    if mask.shape == size:
        return mask
    inside, known = (
        resize_picture(np.where(which, np.uint8(255), np.uint8(0)), size)
        for which in (mask == 1, mask != IGNORE)
    )
    labels = (2 * inside.astype(np.uint16) >= np.maximum(known, 1)).astype(np.uint8)
    return np.where(known < 128, np.uint8(IGNORE), labels)


def encoding_for_values(pixels: Mapping[int, int], lossy: bool = False) -> BinaryEncoding:
    """The encoding for a data set in which each value covers this many pixels."""
    positive = sorted(value for value, count in pixels.items() if value > 0 and count)
    top = positive[-1] if positive else 0
    if lossy and top > 1:
        level = (top + 1) // 2
        return BinaryEncoding(level, meaning=f"values from {level} on are foreground (lossy files)")
    if positive == [255]:
        return BinaryEncoding(128, meaning="0 is background, 255 is foreground")
    if positive == [1]:
        return BinaryEncoding(1, meaning="0 is background, 1 is foreground")
    others = sum(pixels[value] for value in positive[:-1])
    if top == VOID and positive[-2] < 64 and others > pixels[VOID]:
        meaning = "class indices or ids: above 0 is foreground, 255 is void"
        return BinaryEncoding(1, VOID, meaning, is_of_ids=True)
    if 250 <= top <= 255:
        return BinaryEncoding(128, meaning="grey levels: from 128 on is foreground")
    meaning = "class indices or instance ids: every value above 0 is foreground"
    return BinaryEncoding(1, meaning=meaning, is_of_ids=True)


def raw_values(picture: Image.Image, palette: Palette, label: str) -> NDArray[np.int32]:
    """The values of a mask that has been opened, as `mask_values` gives them, not yet turned."""
    if picture.mode in ("1", "L"):
        scale = 255 if picture.mode == "1" else 1
        return np.asarray(picture).astype(np.int32) * scale
    if picture.mode == "P":
        return palette_values(picture, palette, label)
    if picture.mode.startswith(("I", "F")):
        return np.nan_to_num(np.asarray(picture, np.float64)).astype(np.int32)
    if picture.mode in ("RGBA", "LA", "PA"):
        alpha = np.asarray(picture.convert("RGBA"))[..., 3]
        if alpha.min() != alpha.max():
            return alpha.astype(np.int32)
    rgb = np.asarray(picture.convert("RGB"))
    if np.array_equal(rgb[..., 0], rgb[..., 1]) and np.array_equal(rgb[..., 0], rgb[..., 2]):
        return rgb[..., 0].astype(np.int32)
    return np.where(rgb.max(axis=2) >= DARK, 255, 0).astype(np.int32)


def _turn(values: NDArray[np.int32], orientation: int) -> NDArray[np.int32]:
    """Apply an EXIF orientation. Source: EXIF 2.32, tag 274."""
    match orientation:
        case 2:
            turned = np.fliplr(values)
        case 3:
            turned = np.rot90(values, 2)
        case 4:
            turned = np.flipud(values)
        case 5:
            turned = values.T
        case 6:
            turned = np.rot90(values, -1)
        case 7:
            turned = np.rot90(values, 2).T
        case 8:
            turned = np.rot90(values)
        case _:
            turned = values
    return np.array(turned, np.int32, order="C")
