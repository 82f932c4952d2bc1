"""Import of models that were made elsewhere."""

from pathlib import Path

import streamlit as st

from core.errors import UserError
from core.policy.permissions import allowed
from core.policy.policy import current_policy
from pages.widgets.uploads import upload_one
from pages.widgets.wording import plain

# What several classes mean, for models without a card of this project.
KINDS = {"": "As the model says", "multiclass": "One class a pixel", "multilabel": "Several labels a pixel"}


def import_button() -> None:
    if allowed("add") and st.button("Import a model", icon=":material/add:", key="import_model"):
        import_dialog()


@st.dialog("Import a model")
def import_dialog() -> None:
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


def several_classes() -> str:
    return st.selectbox(
        "Several classes", list(KINDS), format_func=KINDS.__getitem__,
        help="Choose where a model saved elsewhere does not say what its classes mean.",
    )  # fmt: skip


def from_zip() -> Path | None:
    from core.models.importing import check_file_name, import_zip

    st.caption("The zip of an export, or a zipped folder that smp's `save_pretrained` wrote.")
    file = upload_one("Zip", None, current_policy().upload_megabytes, show="collapsed")
    if file:
        check_file_name(file.name)
    name = st.text_input("Name", file.name.removesuffix(".zip") if file else "", max_chars=80)
    kind = several_classes()
    if not st.button("Import", type="primary", disabled=file is None) or file is None:
        return None
    with st.spinner("Opening and checking the model …"):
        return import_zip(file, name, kind)


def from_hub() -> Path | None:
    name = st.text_input("Model", placeholder="owner/name", help="Or the address of its page.")
    kind = several_classes()
    if not st.button("Download", type="primary"):
        return None
    from core.models.hub import pull
    from core.system.downloads import Progress

    bar = st.progress(0.0, "Asking the hub …")
    for step in pull(name, kind):
        if not isinstance(step, Progress):
            return step
        bar.progress(0.0, f"{step.received / 1e6:.1f} MB received")
    return None
