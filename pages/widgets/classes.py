"""Several classes on a page: their colours, and how each of them does."""

from collections.abc import Sequence
from html import escape

import pandas as pd
import streamlit as st

from core.imaging.rendering import hex_colours
from core.system.score_names import DICE_POOLED, IOU_POOLED, SCORE_FORMAT
from core.system.spreadsheets import inert
from core.task import Task


def class_legend(task: Task) -> None:
    """A square of its colour beside each class's name."""
    colours = hex_colours(task.outputs)
    entries = "".join(
        f'<span style="white-space:nowrap;margin-right:1.1em"><span style="display:inline-block;width:.9em;'
        f'height:.9em;border-radius:3px;vertical-align:-.1em;background:{colour};margin-right:.4em"></span>'
        f"{escape(name)}</span>"
        for colour, name in zip(colours, task.classes, strict=True)
    )
    st.html(f'<div style="font-size:.9rem;line-height:1.8">{entries}</div>')


def class_table(task: Task, dice: Sequence[float], iou: Sequence[float]) -> None:
    """Dice and IoU of each class, pooled over the pixels of all images."""
    table = pd.DataFrame({"Class": task.classes, DICE_POOLED: dice, IOU_POOLED: iou})
    st.dataframe(
        inert(table), hide_index=True, height=35 * (len(table) + 1) + 3,
        column_config={
            name: st.column_config.ProgressColumn(name, min_value=0.0, max_value=1.0, format=SCORE_FORMAT)
            for name in (DICE_POOLED, IOU_POOLED)
        },
    )  # fmt: skip
