"""Models that were made elsewhere, onto the shelf."""

from pathlib import Path

import streamlit as st

from core.errors import UserError
from core.policy.permissions import allowed
from core.policy.policy import current_policy
from pages.widgets.uploads import upload_one
from pages.widgets.wording import plain


def add_model() -> None:
    if allowed("add") and st.button("Bring in a model", icon=":material/add:", key="add_model"):
        add_dialog()


@st.dialog("Bring in a model")
def add_dialog() -> None:
    ways = ["A zip", "The hub"] if allowed("machine") else ["A zip"]
    origin = st.segmented_control("From", ways, default="A zip", required=True, label_visibility="collapsed")
    try:
        added = from_zip() if origin == "A zip" else from_hub()
    except UserError as error:
        st.error(plain(str(error)))
        return
    if added is not None:
        st.session_state.chosen_model = str(added)
        st.rerun()


def from_zip() -> Path | None:
    st.caption("The folder that `save_pretrained` of segmentation_models_pytorch writes, zipped.")
    file = upload_one("Zip", ["zip"], current_policy().upload_megabytes, show="collapsed")
    name = st.text_input("Name", file.name.removesuffix(".zip") if file else "", max_chars=80)
    if not st.button("Bring in", type="primary", disabled=file is None) or file is None:
        return None
    from core.models.importing import adopt_zip

    with st.spinner("Opening it …"):
        return adopt_zip(file, name)


def from_hub() -> Path | None:
    name = st.text_input("Model", placeholder="owner/name", help="Or the address of its page.")
    if not st.button("Download", type="primary"):
        return None
    from core.models.hub import pull
    from core.system.downloads import Progress

    bar = st.progress(0.0, "Asking the hub …")
    for step in pull(name):
        if not isinstance(step, Progress):
            return step
        bar.progress(0.0, f"{step.received / 1e6:.1f} MB have come")
    return None
