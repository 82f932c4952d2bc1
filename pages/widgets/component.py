"""Components made of the .html, .css and .js files beside a Python file."""

from pathlib import Path
from typing import Any

import streamlit as st


def component(python_file: str, shared: str = "") -> Any:
    """Register the component of `python_file`, under its name. `shared` is a .js file beside it, whose code
    comes first."""
    here = Path(python_file)
    before = here.with_name(shared).read_text("utf-8") if shared else ""
    return st.components.v2.component(
        f"segmentation_studio.{here.stem}",
        html=here.with_suffix(".html").read_text("utf-8"),
        css=here.with_suffix(".css").read_text("utf-8"),
        js=before + here.with_suffix(".js").read_text("utf-8"),
    )
