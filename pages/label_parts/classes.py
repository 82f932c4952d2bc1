"""The classes of a session: names and colours."""

import streamlit as st

from core.errors import UserError
from core.imaging.palette import hex_colours
from core.labelling.session import LabelSession, set_classes
from pages.widgets.wording import plain


def classes_popover(session: LabelSession) -> None:
    with st.popover("Classes", icon=":material/palette:"):
        names, colours = [], []
        scheme = session.scheme
        for number, one in enumerate(scheme.classes, 1):
            with st.container(horizontal=True, vertical_alignment="bottom"):
                key = f"{session.folder.name}_{number}"
                names.append(st.text_input(f"Key {number}", one.name, key=f"class_name_{key}"))
                colours.append(st.color_picker("Colour", one.colour, key=f"class_colour_{key}"))
        if scheme.is_ours:
            more = st.text_input("Add a class", key=f"class_more_{session.folder.name}_{len(names)}")
            if more.strip():
                names.append(more)
                colours.append(hex_colours(1 + len(names))[-1])
        if st.button("Save", type="primary", key="save_classes"):
            try:
                set_classes(session, names, colours)
            except UserError as error:
                st.error(plain(str(error)))
                return
            st.rerun()
