"""Every score in the app leads to the page that explains it."""

import streamlit as st
from streamlit.errors import StreamlitAPIException


def numbers_explained() -> None:
    """A link to the Metrics page."""
    words = "What do these numbers mean?"
    try:
        st.page_link("pages/metrics.py", label=words, icon=":material/school:")
    except StreamlitAPIException:  # a page that is run without the app has no neighbours
        st.caption(words)
