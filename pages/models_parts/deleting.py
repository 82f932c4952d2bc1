"""Deleting a model, and restoring it in the place where it was."""

from dataclasses import dataclass

import streamlit as st

from core.errors import UserError
from core.models import registry
from core.models.registry import Entry
from core.policy import trash
from core.policy.trash import Deleted
from pages.widgets.wording import plain


@dataclass(frozen=True)
class DeletedCard:
    """`before` is the folder of the model whose card followed, "" at the end of the list."""

    model: Deleted
    before: str


def delete_dialog(entry: Entry, following: str) -> None:
    name = plain(entry.card.name)

    @st.dialog(f"Delete {name}?")
    def ask() -> None:
        also = " with its run, charts and previews" if entry.run else ""
        st.write(f"Deletes **{name}**{also}. It can be restored for a week.")
        st.caption(" · ".join(part for part in (plain(entry.card.data), plain(entry.created)) if part))
        with st.container(horizontal=True):
            if st.button("Delete", type="primary", icon=":material/delete:"):
                delete(entry, following)
            if st.button("Cancel"):
                st.rerun()

    ask()


def delete(entry: Entry, following: str) -> None:
    try:
        deleted = DeletedCard(registry.delete(entry), following)
    except UserError as error:
        st.error(plain(str(error)))
        return
    st.session_state.setdefault("deleted_models", []).append(deleted)
    if st.session_state.get("chosen_model") == str(entry.folder):
        del st.session_state.chosen_model
    st.rerun()


def undo_bar(deleted: DeletedCard) -> None:
    """What was deleted here, and a button that restores it."""
    key = deleted.model.now.name
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"Deleted **{plain(deleted.model.name)}**.", width="content")
        if st.button("Undo", icon=":material/undo:", key=f"undo_{key}"):
            try:
                trash.restore(deleted.model)
            except UserError as error:
                st.error(plain(str(error)))
                return
            st.session_state.deleted_models.remove(deleted)
            st.rerun()
        if st.button("Dismiss", type="tertiary", key=f"dismiss_{key}"):
            st.session_state.deleted_models.remove(deleted)
            st.rerun()
