"""Painting a mask on a photo: brush, eraser, polygon, box, undo and zoom, with mouse, pen or touch.

The mask has the photo's own size and hard edges: every pixel is foreground or it is not. It goes to
Python as a PNG in a data URL by itself: shortly after the last stroke, and when the painter is left.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.widgets.component import component

_painter = component(__file__, "painting.js")


@dataclass(frozen=True, slots=True)
class Painted:
    """A mask to be saved: of which photo, its PNG data URL, and a number that grows with each."""

    photo_id: str
    mask: str
    number: int


@dataclass(slots=True)
class Saved:
    """The highest number that was saved, and that of the last attempt that failed."""

    stored: int = 0
    failed: int = 0


def mask_painter(
    photo: str, size: tuple[int, int], photo_id: str, key: str, mask: str, version: int, saved: Saved,
    on_saved: Callable[[list[Painted], bool], None],
) -> None:  # fmt: skip
    """Paint on a photo, a data URL of any resolution, a mask of (height, width).

    `mask` is a PNG data URL to start from; it replaces what is painted when `photo_id` or `version`
    changes. `on_saved` is called before the page runs with masks to save, which may be of photos that were
    shown before this one, and with whether the next photo is wanted. The box that is drawn is in the
    session's state, under `key`, as `box`: left, top, right, bottom.
    """

    def on_saved_change() -> None:
        sent: Any = getattr(st.session_state.get(key), "saved", None)
        if isinstance(sent, dict):
            masks = [Painted(str(m["id"]), str(m["mask"]), int(m["number"])) for m in sent["masks"]]
            on_saved(masks, bool(sent["next"]))

    _painter(
        key=key,
        data={
            "photo": photo, "height": size[0], "width": size[1], "id": photo_id,
            "painter": key, "mask": mask, "version": version, "stored": saved.stored, "failed": saved.failed,
        },
        default={"box": None},
        on_saved_change=on_saved_change,
        on_box_change=lambda: None,
    )  # fmt: skip
