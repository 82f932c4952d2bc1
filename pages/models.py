"""Models: the shelf, who is best on which data, and a guide to encoders."""

import streamlit as st

from core.models import registry
from pages.models_parts.adding import add_model
from pages.models_parts.card import card, undo
from pages.models_parts.encoders import encoder_guide
from pages.models_parts.leaderboard import leaderboard
from pages.widgets.entry import open_page
from pages.widgets.explained import numbers_explained

VIEWS = ("Shelf", "Leaderboard", "Encoders")


def models_page() -> None:
    st.title("Models")
    view = st.segmented_control(
        "View", VIEWS, default="Shelf", required=True, key="models_view", label_visibility="collapsed"
    )
    if view == "Leaderboard":
        leaderboard()
    elif view == "Encoders":
        encoder_guide()
    else:
        show_shelf()


def show_shelf() -> None:
    entries = registry.list_models()
    undo()
    with st.container(horizontal=True, vertical_alignment="center"):
        numbers_explained()
        add_model()
    if not entries:
        st.info("There is no model yet.")
        st.page_link("pages/train.py", label="Train one", icon=":material/model_training:")
        return
    tags = sorted({tag for entry in entries for tag in entry.card.tags})
    wanted = st.pills("Tags", tags, selection_mode="multi", key="shelf_tags") if tags else []
    for entry in entries:
        if set(wanted) <= set(entry.card.tags):
            card(entry)


open_page(models_page)
