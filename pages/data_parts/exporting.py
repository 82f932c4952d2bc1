"""Export a data set."""

import streamlit as st

from core.data.catalogue import Catalogue
from core.data.dataset import open_data
from core.data.exporting import export
from core.data.pairing import Problem
from core.errors import UserError
from core.system import workspace
from core.system.formatting import percent, plural
from core.system.workspace import safe_name
from pages.widgets.wording import plain

FORMS = {"zip": "images/, masks/ and dataset.json", "coco": "images/ and COCO's json, one for each set"}


def exporting(shown: Catalogue) -> None:
    st.caption(
        "Masks are written as they are read here, with every fix. A zip with dataset.json can be imported "
        "again, with its split and its classes. In COCO, void becomes background, and a COCO import draws "
        "one class a pixel, also where labels overlap."
    )
    form = st.segmented_control(
        "Format", list(FORMS), default="zip", required=True, format_func=FORMS.__getitem__
    )
    target = workspace.cache() / "exports" / f"{safe_name(shown.name)}-{form}.zip"
    if st.button("Export", type="primary", icon=":material/folder_zip:"):
        target.parent.mkdir(exist_ok=True)
        bar = st.progress(0.0, "Exporting …")
        try:
            problems: list[Problem] = []
            for step in export(open_data(shown.root), target, form, problems.append):
                if isinstance(step, float):
                    bar.progress(step, f"Exported {percent(step)}")
        except UserError as error:
            st.error(plain(str(error)))
            return
        bar.empty()
        if problems:
            st.warning(f"{plural(len(problems), 'pair')} excluded. {plain(problems[0].sentence)}")
        st.session_state.exported = str(target)
    if st.session_state.get("exported") == str(target) and target.is_file():
        size = target.stat().st_size
        st.download_button(
            f"Download {target.name} ({size / 1e6:,.1f} MB)", target.read_bytes, target.name,
            "application/zip", icon=":material/download:", on_click="ignore",
        )  # fmt: skip
