"""Small data sets whose masks hold classes, imported_classes, and what their masks then say."""

import io
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from PIL import Image

from core.data.dataset import DataFolder
from core.data.importing.copying import Imported, bring_in
from core.data.importing.mask_files import SAMPLED
from core.data.importing.recognition import recognise
from core.data.importing.sources import open_source
from core.data.store import read_pair
from core.task import IGNORE
from tests.core.archives import picture, zipped

COUNT = 2 * SAMPLED + 10
RARE = 1  # of the sample, which takes every second mask or so, this is none
RED, GREEN, BLUE = (200, 0, 0), (0, 200, 0), (0, 0, 200)


def photo(number: int) -> bytes:
    return picture(np.full((24, 24, 3), number % 256, np.uint8))


def files(masks: list[np.ndarray], **more: bytes) -> dict[str, bytes]:
    found = {f"images/{i:03d}.png": photo(i) for i in range(len(masks))}
    return found | {f"masks/{i:03d}.png": picture(mask) for i, mask in enumerate(masks)} | more


def ids(*values: int) -> np.ndarray:
    """A mask in columns of these values."""
    return np.repeat(np.array(values, np.uint8), 24 // len(values))[None].repeat(24, 0)


def colours(*values: tuple[int, int, int]) -> np.ndarray:
    return np.repeat(np.array(values, np.uint8), 24 // len(values), 0)[None].repeat(24, 0)


def indexed(mask: np.ndarray, palette: Sequence[tuple[int, int, int]]) -> bytes:
    """A PNG of these indices with this palette."""
    image, stream = Image.fromarray(mask, "P"), io.BytesIO()
    image.putpalette([channel for colour in palette for channel in colour])
    image.save(stream, "PNG")
    return stream.getvalue()


def imported_classes(
    content: dict[str, bytes], chosen: tuple[str, ...] = (), as_one: bool | None = None, name: str = "mine"
) -> Imported:
    source = open_source(zipped(content))
    plan = recognise(source)[0]
    if as_one is not None:
        plan = plan.choosing(chosen or plan.labels.classes, as_one)
    return next(r for r in bring_in(source, plan, name) if isinstance(r, Imported))


def columns(data: DataFolder, number: int) -> list[int]:
    """The labels along the middle row of a photo's mask, each once."""
    row = read_pair(data.pairs[number], data.encoding)[1][12]
    return [int(row[0]), *(int(b) for a, b in pairwise(row) if a != b)]


def names(data: DataFolder, number: int) -> list[str]:
    return [data.encoding.task.classes[i] if i != IGNORE else "" for i in columns(data, number)]
