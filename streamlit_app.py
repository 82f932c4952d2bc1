"""Segmentation Studio: train, inspect and use image-segmentation models, on your own photos."""

import streamlit as st

from core import __version__
from pages.widgets.access import admit, promise, who_is_here
from pages.widgets.entry import INSIDE, navigation
from pages.widgets.loading import maintain, warm_up
from pages.widgets.running import running_now
from pages.widgets.start_here import start_here
from pages.widgets.theme import apply_theme

st.set_page_config(
    page_title="Segmentation Studio",
    page_icon=":material/content_cut:",
    layout="wide",
    menu_items={"About": f"Segmentation Studio {__version__}"},
)
st.logo("docs/logo.svg", size="large", icon_image="docs/icon.svg")
apply_theme()
admit()
warm_up()
maintain()
page = navigation()
st.set_page_config(page_title=f"{page.title} · Segmentation Studio")
with st.sidebar:
    running_now(page.title)
    start_here()
    who_is_here()
    st.caption(promise())
st.session_state[INSIDE] = True
page.run()
