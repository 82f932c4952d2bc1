"""Which photos are nearly the same: frames of one video, copies saved again, crops of a pixel or two."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

MAX_DISTANCE = 6  # bits of 64 that may differ
MAX_DIFFERENCE = 10.0  # mean difference of the small looks, of 255
LOOK = 8
BLOCK = 1024


def perceptual_hash(photo: NDArray[np.uint8]) -> str:
    """64 bits of a photo (h, w, 3) as 16 hex digits: the signs of its lowest frequencies about their median.

    Source: pHash as described by Zauner, Implementation and Benchmarking of Perceptual Image Hash
    Functions (2010), 3.2.1.
    """
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:8, :8].ravel()
    bits = low > np.sort(low[1:])[31]  # the middle of 63
    return np.packbits(bits).tobytes().hex()


def small_look(photo: NDArray[np.uint8]) -> bytes:
    """The photo (h, w, 3) at 8x8, 192 bytes."""
    return np.asarray(cv2.resize(photo, (LOOK, LOOK), interpolation=cv2.INTER_AREA), np.uint8).tobytes()


def near_duplicates(hashes: Sequence[str], looks: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """Pairs of positions, first < second, of photos that are nearly the same.

    Every hash is held against every other, a block at a time; where hashes are close, colours
    decide, because photos of plain walls all have much the same hash.
    """
    codes = np.array([int(h, 16) for h in hashes], np.uint64)
    colours = np.frombuffer(b"".join(looks), np.uint8).reshape(len(looks), 3 * LOOK * LOOK)
    for start in range(0, len(codes), BLOCK):
        block = codes[start : start + BLOCK]
        distance = np.bitwise_count(block[:, None] ^ codes[None, start:])
        for i, j in np.argwhere(distance <= MAX_DISTANCE):
            if i < j:
                one, other = start + int(i), start + int(j)
                difference = np.abs(colours[one].astype(np.int16) - colours[other]).mean()
                if difference <= MAX_DIFFERENCE:
                    yield one, other
