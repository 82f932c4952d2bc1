"""Deleting a data set, and restoring it."""

from pathlib import Path

import streamlit as st

from core.data import demo, library
from core.errors import UserError
from core.policy import trash
from core.policy.trash import Deleted
from pages.widgets.choices import select_dataset
from pages.widgets.wording import plain

DELETED = "deleted_datasets"


@st.dialog("Delete this data set?")
def delete_dialog(folder: Path) -> None:
    st.write(
        f"Deletes **{plain(library.display_name(folder))}** with its photos and masks. "
        "It can be restored for a week."
    )
    with st.container(horizontal=True):
        if st.button("Delete", type="primary", icon=":material/delete:", key="delete_dataset"):
            try:
                deleted = library.delete_dataset(folder)
            except UserError as error:
                st.error(plain(str(error)))
                return
            st.session_state.setdefault(DELETED, []).append(deleted)
            select_dataset(demo.demo_folder())
            st.rerun()
        if st.button("Cancel"):
            st.rerun()


def undo_bars() -> None:
    """What was deleted in this session, each with a button that restores it."""
    for deleted in list(st.session_state.get(DELETED, [])):
        _undo_bar(deleted)


def _undo_bar(deleted: Deleted) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"Deleted **{plain(deleted.name)}**.", width="content")
        if st.button("Undo", icon=":material/undo:", key=f"undo_{deleted.now.name}"):
            try:
                trash.restore(deleted)
            except UserError as error:
                st.error(plain(str(error)))
                return
            st.session_state[DELETED].remove(deleted)
            select_dataset(deleted.was)
            st.rerun()
        if st.button("Dismiss", type="tertiary", key=f"dismiss_{deleted.now.name}"):
            st.session_state[DELETED].remove(deleted)
            st.rerun()
