"""Navigation, and the guarantee that every page runs inside streamlit_app.py, whatever address is opened."""

from collections.abc import Callable
from typing import Literal

import streamlit as st

from core.errors import UserError
from core.policy.permissions import allowed
from pages.widgets.wording import plain

INSIDE = "inside_app"  # set by streamlit_app.py before it runs a page


def navigation(position: Literal["sidebar", "hidden"] = "sidebar") -> st.Page:
    """Declare the pages; returns the requested one."""
    pages = {
        "Use": [
            st.Page("pages/segment.py", title="Segment", icon=":material/content_cut:", default=True),
            st.Page("pages/live.py", title="Live", icon=":material/videocam:"),
        ],
        "Build": [
            st.Page("pages/data.py", title="Data", icon=":material/photo_library:"),
            st.Page("pages/label.py", title="Label", icon=":material/ink_marker:"),
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
    """Run a page, or restart with the whole app if Streamlit ran the page's file directly.

    Until `st.navigation` has been called once in a server's life, Streamlit treats a folder called `pages`
    as its older kind of multipage app, and would open a link to a page without streamlit_app.py.
    """
    if st.session_state.get(INSIDE):
        try:
            page()
        except UserError as error:  # not caught by any part of the page, such as a refusal
            st.error(plain(str(error)))
        return
    navigation()
    st.rerun()
