"""What the colours of palette masks mean: an index is a class, a grey is a value, a colour is a thing.

One file cannot tell: of Pascal VOC's palette a mask of chairs alone shows black and grey, like a mask
of grey levels, and a palette that is cut to what a file uses has other numbers in each file.
"""

from collections.abc import Collection
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.errors import UserError

Palette = Literal["", "none", "grey", "index", "colour"]  # "" undecided, "none" no mask has a palette
PALETTES = ("", "none", "grey", "index", "colour")
DARK = 16  # lossy colours bleed into black; this is above that and below every colour that means something
VOC_ENTRIES = 21  # classes of Pascal VOC: a palette with this many entries is known to be its

Entry = tuple[int, int]  # index and colour as 0xRRGGBB


def palette_values(picture: Image.Image, palette: Palette, label: str) -> NDArray[np.int32]:
    """The values of a picture of mode P, int32 (height, width), as the palettes of its data set mean;
    where that is not decided, as its own most probably does.

    Raises UserError where the file contradicts what the others mean.
    """
    index, table = np.asarray(picture), _table(picture)
    used = used_entries(picture)
    if palette in ("", "none"):
        palette = meaning_of(used, is_voc(picture))
    if palette == "index":
        return index.astype(np.int32)
    if palette == "colour":
        return np.asarray(np.where(table.max(axis=1) >= DARK, 255, 0)[index], np.int32)
    if not all(_is_grey(colour) for _, colour in used):
        raise UserError(
            f"{label} has colours in its palette, and the other masks of the data set have greys: "
            "save it as they are."
        )
    return np.asarray(table[index, 0], np.int32)


def used_entries(picture: Image.Image) -> dict[Entry, int]:
    """Entries of the palette that have pixels, and how many."""
    pixels, table = np.bincount(np.asarray(picture).ravel(), minlength=256), _table(picture)
    codes = table @ np.array([65536, 256, 1], np.int32)
    return {(int(i), int(codes[i])): int(pixels[i]) for i in np.flatnonzero(pixels)}


def meaning_of(used: Collection[Entry], has_voc: bool = False) -> Palette:
    """What the palettes of a data set mean, by all entries that have pixels anywhere in it.

    Where files have other colours at one index, the index says nothing.
    """
    if not used:
        return "none"
    agree = len({index for index, _ in used}) == len(used)
    coloured = has_voc or not all(_is_grey(colour) for _, colour in used)
    if not coloured:
        return "grey"
    return "index" if agree else "colour"


def value_of(entry: Entry, palette: Palette) -> int:
    """The value of one entry of a decided palette."""
    index, colour = entry
    if palette == "index":
        return index
    channels = colour >> 16, colour >> 8 & 255, colour & 255
    return channels[0] if palette == "grey" else 255 * (max(channels) >= DARK)


def is_voc(picture: Image.Image) -> bool:
    """Whether the palette is Pascal VOC's, which says that indices are meant, whatever a file shows of it.

    Source of the colours: the function `labelcolormap` of the VOC 2012 development kit.
    """
    colours = np.asarray(picture.getpalette("RGB") or [], np.int32).reshape(-1, 3)[:VOC_ENTRIES]
    wanted = np.zeros((VOC_ENTRIES, 3), np.int32)
    for index in range(VOC_ENTRIES):
        for bit in range(8):
            for channel in range(3):
                wanted[index, channel] |= (index >> (3 * bit + channel) & 1) << (7 - bit)
    return len(colours) == VOC_ENTRIES and bool((colours == wanted).all())


def _table(picture: Image.Image) -> NDArray[np.int32]:
    table = np.zeros((256, 3), np.int32)
    colours = np.asarray(picture.getpalette("RGB") or [], np.int32).reshape(-1, 3)
    table[: len(colours)] = colours
    return table


def _is_grey(colour: int) -> bool:
    return colour >> 16 == colour >> 8 & 255 == colour & 255
