"""Which values are black and white in photos of more than 8 bits.

A file does not say: 12-bit cameras, microscopes and scanners write their values into 16 bits, where
4,095 of 65,535 is nearly black. As with masks, the meaning belongs to the data set, not to one
file, is written down there, and is kept in the card of a model that learnt from it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import UserError

Range = tuple[float, float]  # the values that are black and white; what lies outside is cut
KEY = "value_range"  # in dataset.json
DEPTHS = (1.0, 255.0, 1023.0, 4095.0, 16383.0, 65535.0)  # floats, and 8, 10, 12, 14 and 16 bits


def eight_bit(values: NDArray[np.generic], value_range: Range | None = None) -> NDArray[np.uint8]:
    """Values of any type and shape as uint8 of that shape.

    Without a range, values up to 1 and up to 255 are taken for what they seem, others for 16 bits.
    """
    if values.dtype == np.uint16:  # each of the possible values once: a tenth of the memory
        given = value_range or (0.0, usual_top(float(values.max(initial=0)), values.dtype))
        return np.asarray(eight_bit(np.arange(65536), given)[values], np.uint8)
    wide = np.nan_to_num(np.asarray(values, np.float64))
    low, high = value_range or (0.0, usual_top(float(wide.max(initial=0)), values.dtype))
    return (np.clip((wide - low) / (high - low), 0, 1) * 255).round().astype(np.uint8)


def usual_top(highest: float, kind: np.dtype[Any] | None = None) -> float:
    """The value that is taken for white in a file whose highest value is this, if nothing else is known."""
    if highest <= 1 and (kind is None or np.issubdtype(kind, np.floating)):
        return 1.0
    return 255.0 if highest <= 255 else 65535.0


def is_misread(extremes: Sequence[Range], value_range: Range | None) -> bool:
    """Whether photos with these lowest and highest values come out nearly black, cut off, or some of
    them brighter than others."""
    if not extremes:
        return False
    lowest, highest = min(low for low, _ in extremes), max(high for _, high in extremes)
    if value_range is None and len({usual_top(high) for _, high in extremes}) > 1:
        return True
    low, high = value_range or (0.0, usual_top(highest))
    return lowest < low or highest > high or (highest - low) * 4 < high - low


def suggested(extremes: Sequence[Range]) -> Range:
    """A range that holds all of these: from 0 to the usual depth above, else from lowest to highest."""
    lowest, highest = min(low for low, _ in extremes), max(high for _, high in extremes)
    if lowest >= 0:
        lowest, highest = 0.0, next((top for top in DEPTHS if highest <= top), highest)
    return lowest, highest if highest > lowest else lowest + 1.0


def range_in(about: Mapping[str, Any]) -> Range | None:
    """The range in a dataset.json or a card, None where there is none. Raises UserError for what is none."""
    given = about.get(KEY)
    if given is None:
        return None
    try:
        low, high = (float(value) for value in given)
    except (TypeError, ValueError):
        low = high = 0.0
    if not (np.isfinite([low, high]).all() and low < high):
        raise UserError(f"'{KEY}' should be two numbers, black and white: take it out of dataset.json.")
    return low, high


def words(value_range: Range) -> str:
    """ "0 to 4,095"."""
    return " to ".join(f"{value:,.10g}" for value in value_range)
