"""Closes the dialog around it on Escape, wherever the focus is.

A dialog whose focus went to the page, as it does when a button of it disappears, hears no key.
"""

from pathlib import Path

import streamlit as st

_closer = st.components.v2.component(
    "segmentation_studio.escape_closes", js=Path(__file__).with_suffix(".js").read_text("utf-8")
)


def escape_closes(key: str) -> None:
    _closer(key=key)
