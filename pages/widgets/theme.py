"""How the whole app looks, beyond the theme options of .streamlit/config.toml."""

from pathlib import Path

import streamlit as st

STYLE = Path(__file__).with_suffix(".css").read_text("utf-8")


def apply_theme() -> None:
    """Add the style sheet to the page; it takes no room."""
    scheme = st.context.theme.type or "light dark"
    accents = "; ".join(
        f"--accent-{theme}: {st.get_option(f'theme.{theme}.primaryColor')}" for theme in ("light", "dark")
    )
    st.html(f"<style>:root {{ color-scheme: {scheme}; {accents} }}\n{STYLE}</style>")
