"""Photos with numbers, and masks of as many columns, so that it shows whose label is whose."""

import numpy as np

from core.data.importing import Imported, import_data
from core.data.store import read_pair
from tests.core.archives import picture, zipped

SIDE = 32


def photo(number: int) -> bytes:
    """A photo whose grey level is its number, so that it is known again under any name."""
    return picture(np.full((SIDE, SIDE, 3), 8 * number + 4, np.uint8))


def mask(first: int, last: int) -> bytes:
    """A mask that is foreground from one column to another."""
    values = np.zeros((SIDE, SIDE), np.uint8)
    values[:, first:last] = 255
    return picture(values)


def whole(files: dict[str, bytes]) -> Imported:
    return next(r for r in import_data(zipped(files), "mine") if isinstance(r, Imported))


def columns(result: Imported) -> dict[int, int]:
    """The number of each photo that came in, and how many columns of its mask are foreground."""
    found = {}
    for pair in result.data.pairs:
        pixels, labels = read_pair(pair, result.data.rule)
        found[round((int(pixels[0, 0, 0]) - 4) / 8)] = int((labels > 0).all(axis=0).sum())
    return found


def sentences(result: Imported) -> str:
    return "\n".join(p.sentence for p in result.problems)
