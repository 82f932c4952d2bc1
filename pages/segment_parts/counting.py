"""The connected components of a mask as a table."""

import streamlit as st

from core.cutout_settings import CutOutSettings
from core.imaging.components import component_table
from core.system.formatting import percent, plural
from core.system.spreadsheets import csv_file, inert
from pages.segment_parts.work import Work

COLUMNS = {
    "number": "Number", "area": "Area (px)", "left": "Left (px)", "top": "Top (px)", "width": "Width (px)",
    "height": "Height (px)", "x": "Centre x (px)", "y": "Centre y (px)",
}  # fmt: skip


def component_list(work: Work, settings: CutOutSettings) -> None:
    """Size and place of each component, in pixels of the photo at its own size."""
    components, _ = work.cut_out(settings).components()
    table = component_table(components, scale=work.scale)
    covered = sum(component.share for component in components)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**{plural(len(components), 'component')}**, {percent(covered)} of the photo", width="content"
        )
        st.download_button(
            "Table as CSV", csv_file(table), f"{work.name.rsplit('.', 1)[0]}_components.csv", "text/csv",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip
    st.dataframe(
        inert(table), hide_index=True, height=min(320, 38 + 35 * max(1, len(table))),
        column_config={
            **COLUMNS,
            "share": st.column_config.NumberColumn("Share of the photo (%)", format="percent"),
        },
    )  # fmt: skip
