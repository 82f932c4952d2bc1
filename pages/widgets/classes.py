"""Several classes on a page: a legend of colours, and how each class scores."""

from collections.abc import Iterable, Sequence
from html import escape

import pandas as pd
import streamlit as st

from core.imaging.palette import hex_colours
from core.system.formatting import shortened
from core.system.score_names import DICE_POOLED, IOU_POOLED, SCORE_FORMAT
from core.system.spreadsheets import inert
from core.task import Task


def class_legend(task: Task) -> None:
    """A square of its colour beside each class's name."""
    legend(zip(task.classes, hex_colours(task.outputs), strict=True))


def legend(entries: Iterable[tuple[str, str]], before: str = "") -> None:
    """What colours mean: (name, CSS colour) each; the words `before` come first."""
    squares = "".join(
        f'<span title="{escape(name)}" style="white-space:nowrap;margin-right:1.1em"><span style="'
        "display:inline-block;width:.9em;height:.9em;border-radius:3px;vertical-align:-.1em;background:"
        f'{colour};box-shadow:0 0 0 1px #8888;margin-right:.4em"></span>{escape(shortened(name))}</span>'
        for name, colour in entries
    )
    words = f'<span style="margin-right:.8em">{escape(before)}</span>' if before else ""
    st.html(f'<div style="font-size:.9rem;line-height:1.8">{words}{squares}</div>')


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
