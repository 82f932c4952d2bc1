"""The parts of a photo that the click model looks at, and what its encoder makes of them, kept for the next
click: the encoder does not see the clicks, and takes the larger part of an answer's time."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from core.labelling.click_model import ClickNet, Encoded
from core.labelling.prompts import Click
from core.models.preprocessing import fit_photo

LONG_SIDE = 256  # pixels of the click model's input, about as in its training: at 320 first clicks were worse
MARGIN = 0.25  # of the object's extent, to each side of the region that is looked at again
LEAST_MARGIN = 0.1  # of a region that is kept, when the object has grown or moved in it
WIDER = 1.3  # a region that is kept may be so many times as long as the one that is wanted
WHOLE = 0.8  # a region that covers so much of the photo's sides is not worth zooming in on
KEPT = 4  # regions of a photo, of about 4 MB each

Map = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Region:
    """Rows `top` to `bottom` and columns `left` to `right` of a photo."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def side(self) -> int:
        """The longer one."""
        return max(self.bottom - self.top, self.right - self.left)

    def of(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        return values[self.top : self.bottom, self.left : self.right]

    def holds(self, other: "Region") -> bool:
        return (
            self.top <= other.top
            and self.left <= other.left
            and self.bottom >= other.bottom
            and self.right >= other.right
        )


def region_of(
    mask: Map | None, clicks: Sequence[Click], size: tuple[int, ...], margin: float = MARGIN
) -> Region | None:
    """What to look at again: the object so far and all clicks, with a margin. None for the whole photo."""
    height, width = size[:2]
    if mask is None or not (mask >= 0.5).any():
        return None
    found = mask >= 0.5
    rows, columns = [c.y for c in clicks], [c.x for c in clicks]
    rows += [float(v) for v in np.flatnonzero(found.any(axis=1))[[0, -1]]]
    columns += [float(v) for v in np.flatnonzero(found.any(axis=0))[[0, -1]]]
    extent = max(max(rows) - min(rows), max(columns) - min(columns), 0.1 * max(height, width))
    around = margin * extent
    top, bottom = max(0, int(min(rows) - around)), min(height, int(max(rows) + around) + 1)
    left, right = max(0, int(min(columns) - around)), min(width, int(max(columns) + around) + 1)
    region = Region(top, left, bottom, right)
    return None if region.side >= WHOLE * max(height, width) else region


@dataclass(frozen=True, slots=True)
class Seen:
    """A region as the network sees it: `padded` is the (height, width) of its input, `inner` of the region,
    which is in the upper left corner."""

    region: Region
    padded: tuple[int, int]
    inner: tuple[int, int]
    encoded: Encoded


class EncodedRegions:
    """The regions of one photo that were looked at last. Thread-safe."""

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._kept: list[Seen] = []
        self._lock = threading.Lock()

    def look_at(self, photo: NDArray[np.uint8], wanted: Region, least: Region, model: ClickNet) -> Seen:
        """A region about as large as `wanted` that holds `least`: one that is kept, else the wanted one."""
        with self._lock:
            fitting = [
                seen
                for seen in self._kept
                if seen.region.holds(least) and seen.region.side <= WIDER * wanted.side
            ]
            seen = min(fitting, key=lambda one: one.region.side, default=None)
            if seen is None:
                seen = encoded(photo, wanted, model)
            else:
                self._kept.remove(seen)
            self._kept = [*self._kept, seen][-self._most :]
            return seen


@torch.inference_mode()
def encoded(photo: NDArray[np.uint8], region: Region, model: ClickNet) -> Seen:
    """What the encoder makes of a region of a photo, uint8 (height, width, 3)."""
    part = np.ascontiguousarray(region.of(photo), np.uint8)
    padded, inner = fit_photo(part, LONG_SIDE)
    images = torch.from_numpy(np.ascontiguousarray(padded.transpose(2, 0, 1)))[None]
    return Seen(region, (padded.shape[0], padded.shape[1]), inner, model.encode(images))
