"""Downloads: the scores as a table, the whole as a report. Made on request."""

from functools import partial

import streamlit as st

from core.data.dataset import DataFolder
from core.evaluation.cache import Evaluation
from core.evaluation.comparison import Scoreboard
from core.models.registry import Entry
from core.policy.permissions import allowed, later
from core.system.workspace import safe_name


def downloads(found: Evaluation, data: DataFolder, entry: Entry, split: str, threshold: float) -> None:
    """Two buttons beside the threshold."""
    name = safe_name(f"{entry.card.name} on {data.name}")
    if allowed("train"):
        st.download_button(
            "Download report", later(partial(_report, found, data, entry.card.name, split, threshold)),
            f"{name}.html", "text/html", icon=":material/description:", on_click="ignore",
            help="One HTML file with all charts and the worst images.",
        )  # fmt: skip
    st.download_button(
        "Download CSV", partial(_scores, found, threshold), f"{name}.csv", "text/csv",
        icon=":material/table:", on_click="ignore", help="The scores of every image.",
    )  # fmt: skip


def comparison_downloads(
    board: Scoreboard, found: dict[str, Evaluation], levels: dict[str, float], data: DataFolder, split: str
) -> None:
    with st.container(horizontal=True):
        if allowed("train"):
            st.download_button(
                "Download report", later(partial(_comparison, board, found, data, split, levels)),
                f"{safe_name(' and '.join(board.labels)[:60])}.html", "text/html",
                icon=":material/description:", on_click="ignore",
            )  # fmt: skip
        st.download_button(
            "Download CSV", partial(_board, board), "comparison.csv", "text/csv", icon=":material/table:",
            on_click="ignore", help="The Dice of every image and model.",
        )  # fmt: skip


def _report(found: Evaluation, data: DataFolder, model: str, split: str, threshold: float) -> str:
    from core.evaluation.report import report

    return report(found, data, model, split, threshold)


def _scores(found: Evaluation, threshold: float) -> str:
    from core.evaluation.report import scores_table

    return scores_table(found, threshold)


def _comparison(
    board: Scoreboard, found: dict[str, Evaluation], data: DataFolder, split: str, levels: dict[str, float]
) -> str:
    from core.evaluation.report import comparison_report

    return comparison_report(board, found, data, split, levels)


def _board(board: Scoreboard) -> str:
    from core.evaluation.report import comparison_table

    return comparison_table(board)
