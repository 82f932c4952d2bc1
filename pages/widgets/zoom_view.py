"""One picture large: the mask as overlay, contour or alone, with zoom by wheel, pinch or buttons."""

from pathlib import Path

import streamlit as st

HERE = Path(__file__)

_view = st.components.v2.component(
    "segmentation_studio.zoom_view",
    html=HERE.with_suffix(".html").read_text("utf-8"),
    css=HERE.with_suffix(".css").read_text("utf-8"),
    js=HERE.with_suffix(".js").read_text("utf-8"),
)


def zoom_view(photo: str, mask: str, contour: str, size: tuple[int, int], key: str) -> None:
    """Show a photo with its mask. The pictures are data URLs of one shape, `size` (height, width)."""
    _view(
        key=key,
        data={"photo": photo, "mask": mask, "contour": contour, "height": size[0], "width": size[1]},
    )
