"""The link from scores to the page that explains them."""

import streamlit as st
from streamlit.errors import StreamlitAPIException


def numbers_explained() -> None:
    """A link to the Metrics page."""
    words = "What do these numbers mean?"
    try:
        st.page_link("pages/metrics.py", label=words, icon=":material/school:")
    except StreamlitAPIException:  # a page run without the app cannot link to others
        st.caption(words)
