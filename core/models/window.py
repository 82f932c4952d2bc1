"""The window of a model that was trained on patches: where it stands on a photo, and how windows are blended.

Imports no torch, because pages count windows before anything is predicted.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.config import SIZE_STEP, TrainConfig
from core.cutout_settings import MAX_LONG_SIDE

# Both as in nnU-Net: Isensee et al. 2021, https://doi.org/10.1038/s41592-020-01008-z.
OVERLAP = 0.5
SIGMA = 1 / 8  # standard deviation of the Gaussian weights, of a window's side

MAX_OVERLAP = 0.75  # a card from elsewhere must not ask for millions of windows


@dataclass(frozen=True)
class Window:
    """Height and width in pixels, multiples of 32, and the share of each that neighbours have in common.

    Raises ValueError for values that are out of bounds.
    """

    height: int
    width: int
    overlap: float = OVERLAP

    def __post_init__(self) -> None:
        for side in (self.height, self.width):
            if side % SIZE_STEP or not SIZE_STEP <= side <= MAX_LONG_SIDE:
                raise ValueError(f"a window's side cannot be {side}")
        if not 0 <= self.overlap <= MAX_OVERLAP:
            raise ValueError(f"the overlap of windows cannot be {self.overlap}")

    @classmethod
    def of(cls, config: TrainConfig) -> "Window | None":
        """The window of the model that this training makes: the patch; None where it sees whole photos."""
        return cls(config.height, config.width) if config.sampling == "patches" else None

    def covers(self, height: int, width: int) -> bool:
        """Whether one window holds the whole photo."""
        return height <= self.height and width <= self.width

    def places(self, height: int, width: int) -> tuple[list[int], list[int]]:
        """The first row of each row of windows, and the first column of each column."""
        return self._starts(height, self.height), self._starts(width, self.width)

    def count(self, height: int, width: int) -> int:
        """The number of windows on a photo of this size."""
        tops, lefts = self.places(height, width)
        return len(tops) * len(lefts)

    @cached_property
    def weights(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The weight of each row and of each column of a window; a pixel's is the product of the two."""
        return _gaussian(self.height), _gaussian(self.width)

    def _starts(self, length: int, side: int) -> list[int]:
        """Evenly spaced, the last window ending with the photo; one, where it reaches over the photo."""
        if length <= side:
            return [0]
        steps = math.ceil((length - side) / max(1.0, side * (1 - self.overlap)))
        return [round(i * (length - side) / steps) for i in range(steps + 1)]


def _gaussian(side: int) -> NDArray[np.float32]:
    places = (np.arange(side) + 0.5) / side - 0.5
    return np.exp(-0.5 * (places / SIGMA) ** 2).astype(np.float32)
