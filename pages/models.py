"""Models: what ships, what was trained; use, rename, delete."""

import streamlit as st

from core import shelf
from core.encoder_guide import short_name
from core.errors import UserError
from core.shelf import Entry
from core.words import percent, plain
from pages.widgets.entry import open_page
from pages.widgets.explained import numbers_explained


def models_page() -> None:
    st.title("Models")
    entries = shelf.list_models()
    if not entries:
        st.info("There is no model yet.")
        st.page_link("pages/train.py", label="Train one", icon=":material/model_training:")
        return
    numbers_explained()
    for entry in entries:
        card(entry)


def card(entry: Entry) -> None:
    """One model: what it is, how good, what can be done with it."""
    with st.container(border=True):
        title, actions = st.columns([3, 2], vertical_alignment="center")
        with title:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{plain(entry.card.name)}**", width="content")
                if entry.run is None:
                    st.badge("ships with the project", color="green")
            st.caption(facts(entry))
        with actions, st.container(horizontal=True, horizontal_alignment="right"):
            buttons(entry)
        scores(entry)
        with st.expander("Model card"):
            st.markdown(model_card_text(entry))


def facts(entry: Entry) -> str:
    model = entry.card
    parts = [
        f"{model.architecture}, {short_name(model.encoder)}",
        f"{entry.megabytes:.1f} MB",
        f"trained on {plain(model.data)}" if model.data else "",
        model.created[:16].replace("T", " ") + " UTC" if model.created else "",
    ]
    return " · ".join(part for part in parts if part)


def scores(entry: Entry) -> None:
    values = entry.card.scores
    if not values:
        return
    with st.container(horizontal=True):
        for key, label in (("dice", "Dice"), ("dice_mean", "Dice, mean over images"), ("miou", "Mean IoU")):
            if key in values:
                st.metric(label, f"{values[key]:.4f}")
        if "pixel_accuracy" in values:
            st.metric("Pixel accuracy", percent(values["pixel_accuracy"]))
    if entry.card.scored_on:
        st.caption(plain(entry.card.scored_on))


def buttons(entry: Entry) -> None:
    key = str(entry.folder)
    if st.button("Use", key=f"use_{key}", type="primary", icon=":material/content_cut:"):
        st.session_state.chosen_model = str(entry.folder)
        st.switch_page("pages/segment.py")
    if st.button("Compare", key=f"compare_{key}", icon=":material/compare:"):
        st.session_state.chosen_model = str(entry.folder)
        st.switch_page("pages/compare.py")
    if entry.run is not None:
        if st.button("Rename", key=f"rename_{key}", icon=":material/edit:"):
            rename_dialog(entry)
        if st.button("Delete", key=f"delete_{key}", icon=":material/delete:"):
            delete_dialog(entry)


@st.dialog("Rename this model")
def rename_dialog(entry: Entry) -> None:
    name = st.text_input("Name", entry.card.name, max_chars=shelf.MAX_NAME)
    if st.button("Rename", type="primary"):
        try:
            shelf.rename(entry, name)
        except UserError as error:
            st.error(plain(str(error)))
            return
        st.rerun()


@st.dialog("Delete this model?")
def delete_dialog(entry: Entry) -> None:
    st.write(f"**{plain(entry.card.name)}**, its run, charts and previews will be gone.")
    if st.button("Delete", type="primary"):
        try:
            shelf.delete(entry)
        except UserError as error:
            st.error(plain(str(error)))
            return
        st.session_state.pop("chosen_model", None)
        st.rerun()


def model_card_text(entry: Entry) -> str:
    try:
        text = "\n" + (entry.folder / "README.md").read_text("utf-8")
        return text.replace("\n# ", "\n#### ").replace("\n## ", "\n##### ")
    except OSError:
        return "This model has no card."


open_page(models_page)
