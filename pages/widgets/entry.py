"""Every page is opened through streamlit_app.py, whatever address was asked for first."""

from collections.abc import Callable
from typing import Literal

import streamlit as st

from core.errors import UserError
from core.policy.permissions import allowed
from pages.widgets.wording import plain

INSIDE = "inside_app"  # set by streamlit_app.py before it runs a page


def navigation(position: Literal["sidebar", "hidden"] = "sidebar") -> st.Page:
    """The pages; returns the one that was asked for."""
    pages = {
        "Use": [st.Page("pages/segment.py", title="Segment", icon=":material/content_cut:", default=True)],
        "Build": [
            st.Page("pages/data.py", title="Data", icon=":material/photo_library:"),
            st.Page("pages/train.py", title="Train", icon=":material/model_training:"),
        ],
        "Evaluate": [
            st.Page("pages/compare.py", title="Compare", icon=":material/compare:"),
            st.Page("pages/models.py", title="Models", icon=":material/inventory_2:"),
            st.Page("pages/metrics.py", title="Metrics", icon=":material/school:"),
        ],
    }
    if allowed("machine"):
        pages["Server"] = [st.Page("pages/machine.py", title="Machine", icon=":material/memory:")]
    return st.navigation(pages, position=position)


def open_page(page: Callable[[], None]) -> None:
    """Run a page, or, when Streamlit ran its file on its own, start again with the whole app.

    Streamlit takes a folder called `pages` for its older kind of app until `st.navigation` has been
    called once in the server's life. A link to a page that is the first thing a fresh server sees
    would open that page without its app.
    """
    if st.session_state.get(INSIDE):
        try:
            page()
        except UserError as error:  # what no part of the page has caught, a refusal for example
            st.error(plain(str(error)))
        return
    navigation()
    st.rerun()
