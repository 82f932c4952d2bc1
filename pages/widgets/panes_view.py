"""Several pictures of one image, large: side by side with one zoom for all, or two under a divider."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

HERE = Path(__file__)

_view = st.components.v2.component(
    "segmentation_studio.panes_view",
    html=HERE.with_suffix(".html").read_text("utf-8"),
    css=HERE.with_suffix(".css").read_text("utf-8"),
    js=HERE.with_suffix(".js").read_text("utf-8"),
)


def panes_view(
    panes: Sequence[tuple[str, str]], size: tuple[int, int], key: str, first: tuple[str, str] = ("", "")
) -> None:
    """Show (title, data URL) pictures of one shape, `size` (height, width). `first` are the titles that the
    divider begins with."""
    _view(
        key=key,
        data={
            "panes": [list(pane) for pane in panes],
            "height": size[0],
            "width": size[1],
            "first": list(first),
        },
    )
