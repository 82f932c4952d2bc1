"""Renaming the classes of a data set."""

import streamlit as st

from core.data import fixes
from core.data.catalogue import Catalogue
from core.data.classes import ClassEncoding
from core.data.dataset import open_data
from core.errors import UserError
from core.policy.permissions import allowed
from pages.widgets.wording import plain

MANY, TALL = 12, 480  # classes above which the list of names scrolls, and its height in pixels then


def rename_popover(shown: Catalogue) -> None:
    """A way to rename the classes, where there are some."""
    if isinstance(shown.encoding, ClassEncoding) and allowed("change"):
        with st.popover("Rename classes", icon=":material/edit:"):
            names_form(shown, shown.encoding)


def names_form(shown: Catalogue, encoding: ClassEncoding) -> None:
    """A name for each mask value."""
    task = encoding.task
    given = []
    with st.form("class_names", border=False):  # Enter saves too
        with st.container(height=TALL if len(task.classes) > MANY else "content", border=False):
            columns = st.columns(2)
            for place, (name, value) in enumerate(zip(task.classes, task.values, strict=True)):
                with columns[place % 2]:
                    key = f"class_name_{shown.name}_{value}_{name}"
                    given.append(st.text_input(f"Mask value {value}", name, key=key))
        asked = st.form_submit_button("Rename", type="primary")
    st.caption("Models keep the names that they were trained with.")
    if not asked:
        return
    try:
        fixes.rename(open_data(shown.root), given)
    except UserError as error:
        st.error(plain(str(error)))
        return
    st.rerun()
