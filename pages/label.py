"""Label: masks from clicks and strokes, proposals for all photos, and a model trained on what is accepted."""

from pathlib import Path

import streamlit as st

from core.data import demo, library
from core.labelling.session import LabelSession
from core.policy.permissions import allowed
from pages.label_parts.canvas import canvas
from pages.label_parts.classes import classes_popover
from pages.label_parts.photos import gallery
from pages.label_parts.starting import STARTING, add_photos, start_form
from pages.label_parts.view import session_or_why
from pages.widgets.access import open_to
from pages.widgets.choices import choose_dataset, ensure_drawn, select_dataset
from pages.widgets.entry import open_page

SECTIONS = ("Label", "All photos")


def label_page() -> None:
    st.title("Label photos")
    if not open_to("change"):
        return
    own = [folder for folder in library.list_datasets() if folder != demo.demo_folder()]
    if allowed("add") and (st.session_state.get(STARTING) or not own):
        start_form(may_cancel=bool(own))
        return
    follow_the_address()
    if own and not st.session_state.get("chosen_dataset"):
        select_dataset(max(own, key=lambda folder: folder.stat().st_mtime))
    left, right = st.columns([3, 7], gap="medium", vertical_alignment="bottom")
    with left:
        folder = choose_dataset()
    session = opened(folder)
    with right, st.container(horizontal=True, vertical_alignment="center"):
        chosen = head(session)
    if session is None:
        return
    if chosen == "Label":
        canvas(session.folder)
    else:
        gallery(session.folder)


def head(session: LabelSession | None) -> str:
    """Beside the data set: what is shown of it, its classes, and new photos. Returns the section."""
    chosen = SECTIONS[0]
    if session is not None:
        chosen = st.segmented_control(
            "Section", SECTIONS, default="Label", required=True, key="label_section",
            label_visibility="collapsed",
        )  # fmt: skip
        classes_popover(session)
        if allowed("add") and session.scheme.is_ours:
            add_photos(session)
    if allowed("add") and st.button("Label new photos", icon=":material/add:", type="primary"):
        st.session_state[STARTING] = True
        st.rerun()
    return chosen


def follow_the_address() -> None:
    """A link names a data set of the workspace, and a photo of it."""
    named = st.query_params.get("data", "")
    if named and st.session_state.get("label_followed") != named:
        st.session_state.label_followed = named
        folder = next((folder for folder in library.list_datasets() if folder.name == named), None)
        if folder is not None:
            select_dataset(folder)


def opened(folder: Path) -> LabelSession | None:
    """The session of the chosen data set; None, with the reason, where it cannot be labelled."""
    if folder == demo.demo_folder():
        ensure_drawn(folder)
    return session_or_why(folder)


open_page(label_page)
