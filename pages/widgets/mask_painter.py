"""Painting a mask on a photo: brush, eraser, polygon, box, undo and zoom, with mouse, pen or touch.

The mask is kept at the photo's own size, hard-edged: every pixel is foreground or it is not. It goes
to Python as a PNG in a data URL when Save, or a tool that needs Python, is pressed.
"""

from pages.widgets.component import component

_painter = component(__file__)


def mask_painter(
    photo: str, size: tuple[int, int], picture_id: str, key: str, mask: str = "", version: int = 0
) -> str:
    """Paint on a photo, a data URL of any resolution, a mask of (height, width).

    Returns the mask as a PNG data URL in the run of the page in which Save was pressed, else "". The box
    that is drawn is in the session's state, under `key`, as `box`: left, top, right, bottom.
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
    return str(result.saved or "")
