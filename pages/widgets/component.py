"""Components made of the .html, .css and .js files beside a Python file."""

from pathlib import Path
from typing import Any

import streamlit as st


def component(python_file: str) -> Any:
    """Register the component of `python_file`, under its name."""
    here = Path(python_file)
    return st.components.v2.component(
        f"segmentation_studio.{here.stem}",
        html=here.with_suffix(".html").read_text("utf-8"),
        css=here.with_suffix(".css").read_text("utf-8"),
        js=here.with_suffix(".js").read_text("utf-8"),
    )
