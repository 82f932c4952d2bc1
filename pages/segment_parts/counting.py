"""The parts of a mask, numbered on the photo and listed."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.imaging.components import find_parts, numbered, part_table
from core.imaging.matting import alpha_of
from core.system.formatting import percent, plural
from core.system.spreadsheets import csv_file, inert
from pages.segment_parts.work import Look, Work

if TYPE_CHECKING:
    from numpy.typing import NDArray


def smallest_part() -> float:
    """As a share of the photo."""
    return (
        st.slider(
            "Smallest part, % of the photo", 0.0, 5.0, 0.1, 0.05, key="least_part",
            help="Parts below this are specks, and not counted.",
        )
        / 100
    )  # fmt: skip


def counted(work: Work, look: Look, least: float, show: "Callable[[NDArray[np.uint8]], None]") -> None:
    """`show` is given the photo with its numbers; the table follows."""
    alpha = alpha_of(work.probability(look.fine), look.threshold, look.finish)
    parts, numbers = find_parts((alpha >= 0.5).astype(np.uint8), least)
    show(numbered(work.photo, parts, numbers))
    scale = work.size[0] / work.photo.shape[0]
    table = part_table(parts, scale=scale)
    covered = sum(part.share for part in parts)
    st.markdown(f"**{plural(len(parts), 'part')}**, {percent(covered)} of the photo")
    st.dataframe(
        inert(table), hide_index=True, height=min(320, 38 + 35 * max(1, len(table))),
        column_config={"share": st.column_config.NumberColumn(format="percent")},
    )  # fmt: skip
    st.caption("Areas and boxes in pixels of the photo at its own size.")
    st.download_button(
        "Table as CSV", csv_file(table), f"{work.name.rsplit('.', 1)[0]}_parts.csv", "text/csv",
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip
