"""A model to the Hugging Face hub."""

import streamlit as st

from core.errors import UserError
from core.models.registry import Entry
from pages.widgets.wording import plain


@st.dialog("Upload to the Hugging Face hub")
def push_dialog(entry: Entry) -> None:
    name = st.text_input("As", placeholder="your-account/model-name")
    token = st.text_input(
        "Token that may write", type="password", help="Used for this upload and kept nowhere."
    )
    private = st.toggle("Private", True)
    st.caption("Goes there: weights, configuration and card. Photos do not.")
    if st.button("Upload", type="primary", icon=":material/cloud_upload:"):
        from core.models import hub

        try:
            with st.spinner("Uploading …"):
                address = hub.push(entry.folder, name, token, private)
        except UserError as error:
            st.error(plain(str(error)))
            return
        st.success(f"It is at {plain(address)}")
