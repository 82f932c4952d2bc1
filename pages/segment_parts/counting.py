"""The connected components of a mask, numbered on the photo and listed."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from core.cutout_settings import CutOutSettings
from core.imaging.components import component_table, numbered
from core.system.formatting import percent, plural
from core.system.spreadsheets import csv_file, inert
from pages.segment_parts.work import Work

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def counted(work: Work, settings: CutOutSettings, show: "Callable[[NDArray[np.uint8]], None]") -> None:
    """`show` is given the photo with its numbers; the table follows."""
    components, numbers = work.cut_out(settings).components()
    show(numbered(work.photo, components, numbers))
    table = component_table(components, scale=work.scale)
    covered = sum(component.share for component in components)
    st.markdown(f"**{plural(len(components), 'component')}**, {percent(covered)} of the photo")
    st.dataframe(
        inert(table), hide_index=True, height=min(320, 38 + 35 * max(1, len(table))),
        column_config={"share": st.column_config.NumberColumn(format="percent")},
    )  # fmt: skip
    st.caption("Areas and boxes in pixels of the photo at its own size.")
    st.download_button(
        "Table as CSV", csv_file(table), f"{work.name.rsplit('.', 1)[0]}_components.csv", "text/csv",
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip
