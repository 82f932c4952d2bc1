"""Segmentation Studio: train, inspect and use image-segmentation models, on your own photos."""

import streamlit as st

from pages.widgets.loading import warm_up
from pages.widgets.running import running_now

st.set_page_config(page_title="Segmentation Studio", page_icon=":material/content_cut:", layout="wide")
st.logo("docs/logo.svg", size="large", icon_image="docs/icon.svg")
warm_up()

page = st.navigation(
    [
        st.Page("pages/segment.py", title="Segment", icon=":material/content_cut:", default=True),
        st.Page("pages/data.py", title="Data", icon=":material/photo_library:"),
        st.Page("pages/train.py", title="Train", icon=":material/model_training:"),
        st.Page("pages/compare.py", title="Compare", icon=":material/compare:"),
        st.Page("pages/models.py", title="Models", icon=":material/inventory_2:"),
    ]
)
with st.sidebar:
    running_now(page.title)
    st.caption("Photos stay on the machine that runs this page.")
page.run()
