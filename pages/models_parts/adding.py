"""Import of models that were made elsewhere."""

from pathlib import Path

import streamlit as st

from core.errors import UserError
from core.policy.permissions import allowed
from core.policy.policy import current_policy
from pages.models_parts.onnx_form import import_onnx_file
from pages.widgets.uploads import upload_one
from pages.widgets.wording import plain

# What several classes mean, for models without a card of this project.
KINDS = {"": "As the model says", "multiclass": "One class a pixel", "multilabel": "Several labels a pixel"}


def import_button() -> None:
    if allowed("add") and st.button("Import a model", icon=":material/add:", key="import_model"):
        import_dialog()


@st.dialog("Import a model")
def import_dialog() -> None:
    ways = ["A file", "The hub"] if allowed("machine") else ["A file"]
    origin = st.segmented_control("From", ways, default="A file", required=True, label_visibility="collapsed")
    try:
        added = from_file() if origin == "A file" else from_hub()
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


def from_file() -> Path | None:
    from core.models.importing import check_file_name, import_zip

    st.caption(
        "The zip of an export, a zipped folder that smp's `save_pretrained` wrote, or an ONNX file of any "
        "program."
    )
    file = upload_one("File", None, current_policy().upload_megabytes, show="collapsed")
    is_onnx = file is not None and file.name.lower().endswith(".onnx")
    if file and not is_onnx:
        check_file_name(file.name)
    name = st.text_input("Name", Path(file.name).stem if file else "", max_chars=80)
    if file and is_onnx:
        return import_onnx_file(file, name)
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
