"""Decoded pairs in memory, for tests that need no files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.data.store import Store


def store_of(
    labels: Sequence[NDArray[np.uint8]],
    is_binary: bool = True,
    folder: Path = Path(),
    photos: Sequence[NDArray[np.uint8]] = (),
) -> Store:
    """A store with these labels, each (h, w), and photos, each (h, w, 3), or grey ones."""
    shapes = np.array([each.shape for each in labels], np.int64)
    flat = np.concatenate([each.ravel() for each in labels])
    offsets = np.concatenate([[0], np.cumsum(shapes.prod(axis=1))[:-1]]).astype(np.int64)
    names = tuple(f"{i}.png" for i in range(len(labels)))
    pixels = (
        np.concatenate([each.ravel() for each in photos]) if photos else np.full(3 * len(flat), 128, np.uint8)
    )
    return Store(folder, names, shapes, pixels, flat, (), offsets, is_binary)
