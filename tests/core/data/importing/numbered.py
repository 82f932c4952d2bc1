"""Photos, masks and outlines that carry a number, so that each is known again wherever it lands."""

import json

import numpy as np

from core.data.dataset import DataFolder
from core.data.importing.copying import Imported
from core.data.store import read_pair
from tests.core.archives import picture

SIDE = 32


def photo(number: int) -> bytes:
    """A photo whose grey level is its number, so that it is known again under any name."""
    return picture(np.full((SIDE, SIDE, 3), 8 * number + 4, np.uint8))


def mask(number: int, last: int | None = None) -> bytes:
    """A mask that is foreground in as many columns as its number says, or from that one to `last`."""
    values = np.zeros((SIDE, SIDE), np.uint8)
    values[:, slice(number) if last is None else slice(number, last)] = 255
    return picture(values)


def polygon(number: int) -> list[list[float]]:
    return [[0, 0, number, 0, number, SIDE, 0, SIDE]]


def yolo(number: int, scale: float = SIDE) -> bytes:
    return ("0 " + " ".join(str(v / SIDE * (SIDE / scale)) for v in polygon(number)[0]) + "\n").encode()


def coco(names: dict[str, int]) -> bytes:
    """A json that gives each photo the outline of its number."""
    return json.dumps({
        "images": [{"id": i, "file_name": n, "height": SIDE, "width": SIDE} for i, n in enumerate(names)],
        "categories": [{"id": 1, "name": "thing"}],
        "annotations": [
            {"id": i, "image_id": i, "category_id": 1, "segmentation": polygon(number)}
            for i, number in enumerate(names.values())
        ],
    }).encode()  # fmt: skip


def columns(given: DataFolder | Imported) -> dict[int, int]:
    """The number of each photo that came in, and how many columns of its mask are foreground."""
    data, found = given.data if isinstance(given, Imported) else given, {}
    for pair in data.pairs:
        pixels, labels = read_pair(pair, data.encoding)
        found[round((int(pixels[0, 0, 0]) - 4) / 8)] = int((labels > 0).all(axis=0).sum())
    return found


def sentences(result: Imported) -> str:
    return "\n".join(p.sentence for p in result.problems)
