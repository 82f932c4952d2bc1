"""A component from the .html, .css and .js that lie beside its Python file."""

from pathlib import Path
from typing import Any

import streamlit as st


def component(python_file: str) -> Any:
    """What `st.components.v2.component` makes of the files; called after the Python file."""
    here = Path(python_file)
    return st.components.v2.component(
        f"segmentation_studio.{here.stem}",
        html=here.with_suffix(".html").read_text("utf-8"),
        css=here.with_suffix(".css").read_text("utf-8"),
        js=here.with_suffix(".js").read_text("utf-8"),
    )
