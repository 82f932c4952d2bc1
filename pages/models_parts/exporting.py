"""Exporting a model to files that other programs run."""

from pathlib import Path
from typing import Any

import streamlit as st

from core.errors import UserError
from core.export.formats import CHECKPOINT, DEFAULT, FORMATS
from core.export.job import report_of, run_export
from core.inference.zip_writer import megabytes
from core.models.registry import Entry
from pages.widgets.choices import choose_dataset
from pages.widgets.escape_closes import escape_closes
from pages.widgets.wording import plain


def export_dialog(entry: Entry) -> None:
    st.dialog(f"Export {plain(entry.card.name)}", width="medium")(choose_formats)(entry)


def choose_formats(entry: Entry) -> None:
    key = f"exported_{entry.fingerprint}"
    escape_closes("escape_export")
    label = {form: about.label for form, about in FORMATS.items() if form != CHECKPOINT}
    formats = st.pills(
        "Formats", list(label), default=list(DEFAULT), selection_mode="multi", format_func=label.__getitem__,
        key=f"formats_{entry.fingerprint}",
    )  # fmt: skip
    st.caption(
        "\n".join(f"- `{FORMATS[form].file}` needs {FORMATS[form].needs}." for form in [*formats, CHECKPOINT])
    )
    st.caption("The checkpoint is always in the zip, so that it can be imported again.")
    data = None
    if "int8" in formats:
        own = str(entry.card.settings.get("data") or "")
        data = choose_dataset("Data set to calibrate and score int8", "int8_data", prefer=own)
    if st.button("Export", type="primary", icon=":material/output:"):
        st.session_state.pop(key, None)
        make(entry, formats, data, key)
    if key in st.session_state:
        offer(*st.session_state[key])


def make(entry: Entry, formats: list[str], data: Path | None, key: str) -> None:
    with st.status("Starting …", expanded=False) as status:
        try:
            for step in run_export(entry.folder, entry.card.name, formats, data):
                if isinstance(step, Path):
                    st.session_state[key] = (step, report_of(step))
                else:
                    status.update(label=step)
        except UserError as error:
            status.update(label="Not exported", state="error")
            st.error(plain(str(error)))
            return
        status.update(label="Exported and checked", state="complete")


def offer(packed: Path, report: dict[str, Any]) -> None:
    """The zip, and the results of checking its files."""
    if not packed.is_file():
        return
    st.download_button(
        f"Download the zip, {megabytes(packed):.1f} MB", packed.read_bytes, packed.name, "application/zip",
        icon=":material/download:", type="primary", on_click="ignore",
    )  # fmt: skip
    st.markdown("\n".join(f"- {line}" for line in report["summary"]))
