"""In the sidebar: where to begin, until it is dismissed."""

from pathlib import Path

import streamlit as st

from core.policy import notices
from core.policy.permissions import allowed

COOKIE = "start_here_dismissed"
_remember = st.components.v2.component(
    "segmentation_studio.start_here", js=Path(__file__).with_suffix(".js").read_text("utf-8")
)


def start_here() -> None:
    """Three ways to begin. Dismissed for good: a signed-in person's file says so, or else a cookie."""
    if st.session_state.get(COOKIE):
        _remember(key=COOKIE, data={"name": COOKIE})  # in the run after the click, and harmless later
        return
    if COOKIE in st.context.cookies or notices.is_dismissed("start_here"):
        return
    with st.container(border=True, gap="xsmall"):
        st.markdown("**Start here**")
        st.page_link("pages/segment.py", label="Cut out a photo", icon=":material/content_cut:")
        if allowed("train"):
            label = "Train on the built-in data"
            st.page_link("pages/train.py", label=label, icon=":material/model_training:")
        if allowed("add"):
            label = "Import your own data"
            st.page_link(
                "pages/data.py", label=label, icon=":material/photo_library:", query_params={"new": "1"}
            )
        if st.button("Hide", type="tertiary", key="hide_start_here"):
            notices.dismiss("start_here")
            st.session_state[COOKIE] = True
            st.rerun()
