"""Models: the library, a leaderboard for each data set, and a guide to encoders."""

import streamlit as st

from core.models import registry
from core.models.registry import Entry
from pages.models_parts.adding import import_button
from pages.models_parts.card import card
from pages.models_parts.deleting import undo_bar
from pages.models_parts.encoders import encoder_guide
from pages.models_parts.leaderboard import leaderboard
from pages.widgets.entry import open_page
from pages.widgets.explained import numbers_explained

VIEWS = ("Library", "Leaderboard", "Encoders")


def models_page() -> None:
    st.title("Models")
    view = st.segmented_control(
        "View", VIEWS, default="Library", required=True, key="models_view", bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    if view == "Leaderboard":
        leaderboard()
    elif view == "Encoders":
        encoder_guide()
    else:
        library()


def library() -> None:
    entries = registry.list_models()
    with st.container(horizontal=True, vertical_alignment="center"):
        import_button()
        numbers_explained()
    if not entries:
        st.info("There is no model yet.")
        st.page_link("pages/train.py", label="Train a model", icon=":material/model_training:")
    tags = sorted({tag for entry in entries for tag in entry.card.tags})
    wanted = (
        set(st.pills("Tags", tags, selection_mode="multi", key="tags", bind="query-params"))
        if tags
        else set()
    )
    cards([entry for entry in entries if wanted <= set(entry.card.tags)])


def cards(entries: list[Entry]) -> None:
    """A card for each model, and in the place of a deleted one the button that restores it."""
    places = [str(entry.folder) for entry in entries]
    pending = list(st.session_state.get("deleted_models", []))
    for entry, place, following in zip(entries, places, [*places[1:], ""], strict=True):
        for deleted in pending:
            if deleted.before == place:
                undo_bar(deleted)
        card(entry, following)
    for deleted in pending:
        if deleted.before not in places:
            undo_bar(deleted)


open_page(models_page)
