"""Painting a mask on a photo: brush, eraser, polygon, box, undo and zoom, with mouse, pen or touch.

The mask is kept at the photo's own size, hard-edged: every pixel is foreground or it is not. It goes
to Python as a PNG in a data URL when Save, or a tool that needs Python, is pressed.
"""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

HERE = Path(__file__)

_painter = st.components.v2.component(
    "segmentation_studio.mask_painter",
    html=HERE.with_suffix(".html").read_text("utf-8"),
    css=HERE.with_suffix(".css").read_text("utf-8"),
    js=HERE.with_suffix(".js").read_text("utf-8"),
)


@dataclass(frozen=True, slots=True)
class Painted:
    """`saved` is the mask as a PNG data URL, in the run of the page in which Save was pressed, else "";
    `box` (left, top, right, bottom) in the photo's pixels."""

    saved: str
    box: tuple[int, int, int, int] | None


def mask_painter(
    photo: str, size: tuple[int, int], picture_id: str, key: str, mask: str = "", version: int = 0
) -> Painted:
    """Paint on a photo, a data URL of any resolution, a mask of (height, width).

    `mask` is a PNG data URL to start from; it is taken over when `picture_id` or `version` changes.
    """
    result = _painter(
        key=key,
        data={
            "photo": photo, "height": size[0], "width": size[1], "id": picture_id,
            "mask": mask, "version": version,
        },
        default={"box": None},
        on_saved_change=lambda: None,
        on_box_change=lambda: None,
    )  # fmt: skip
    box = tuple(int(v) for v in result.box) if result.box and len(result.box) == 4 else None
    return Painted(str(result.saved or ""), box)  # type: ignore[arg-type]
