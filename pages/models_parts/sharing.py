"""Upload of a model to the Hugging Face hub."""

import streamlit as st

from core.errors import UserError
from core.models.registry import Entry
from pages.widgets.wording import plain


def push_dialog(entry: Entry) -> None:
    st.dialog(f"Upload {plain(entry.card.name)} to the Hugging Face hub")(upload)(entry)


def upload(entry: Entry) -> None:
    name = st.text_input("Repository", placeholder="your-account/model-name")
    token = st.text_input(
        "Access token with write permission", type="password", help="Used for this upload and not stored."
    )
    private = st.toggle("Private", True)
    st.caption("Uploads weights, configuration and card, and no photos.")
    if st.button("Upload", type="primary", icon=":material/cloud_upload:"):
        from core.models import hub

        try:
            with st.spinner("Uploading …"):
                address = hub.push(entry.folder, name, token, private)
        except UserError as error:
            st.error(plain(str(error)))
            return
        st.success(f"Uploaded to {plain(address)}")
