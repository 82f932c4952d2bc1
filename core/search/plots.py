"""Charts of a search, from its board."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from core.config import TrainConfig
from core.runs.plots import BLUE, CHART_HEIGHT, GREEN, GREY, ORANGE
from core.search.board import Row, TrialState
from core.search.space import SIZE
from core.settings import setting_of
from core.system.score_names import DICE_MEAN

COLOURS = {TrialState.COMPLETE: BLUE, TrialState.RUNNING: ORANGE, TrialState.CUT: GREY}

MARGIN = 0.03  # of Dice, above and below the points


def best_so_far(rows: Sequence[Row]) -> go.Figure:
    """Dice of every trial in order, and the best of those that went on to their end."""
    figure = _chart("Best so far")
    for state, colour in COLOURS.items():
        some = [row for row in rows if row.state is state and row.dice is not None]
        figure.add_scatter(
            x=[row.number + 1 for row in some], y=[row.dice for row in some], name=state.value,
            mode="markers", marker={"color": colour, "size": 9},
            hovertemplate="trial %{x}: %{y:.4f}<extra></extra>",
        )  # fmt: skip
    steps, best = [], 0.0
    for row in rows:
        if row.state is TrialState.COMPLETE and row.dice is not None and row.dice > best:
            best = row.dice
            steps.append((row.number + 1, best))
    if steps:
        steps.append((len(rows), best))
    figure.add_scatter(
        x=[number for number, _ in steps], y=[value for _, value in steps], name="best", mode="lines",
        line={"color": GREEN, "width": 2.5, "shape": "hv"}, hoverinfo="skip",
    )  # fmt: skip
    figure.update_xaxes(title={"text": "trial", "standoff": 4}, range=[0.5, max(3, len(rows)) + 0.5])
    scores = [row.dice for row in rows if row.dice is not None] or [0.0, 1.0]
    figure.update_yaxes(
        title=DICE_MEAN, tickformat=".2f", range=[max(0, min(scores) - MARGIN), min(1, max(scores) + MARGIN)]
    )
    return figure


def what_mattered(importance: Mapping[str, float]) -> go.Figure:
    """The share of the differences between trials that each setting explains."""
    figure = _chart("What mattered")
    names = [label(name) for name in importance]
    figure.add_bar(
        x=list(importance.values()), y=names, orientation="h", marker_color=BLUE,
        hovertemplate="%{y}: %{x:.0%}<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(
        title={"text": "share of the differences", "standoff": 4}, tickformat=".0%", rangemode="tozero"
    )
    figure.update_yaxes(autorange="reversed", automargin=True)
    return figure


def label(name: str) -> str:
    """What a searched setting is called."""
    return "Size" if name == SIZE else setting_of(TrainConfig, name).label


def _chart(title: str) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(
        title={"text": title, "x": 0.02, "font": {"size": 15}}, height=CHART_HEIGHT, uirevision="keep",
        margin={"l": 44, "r": 12, "t": 42, "b": 64}, legend={"orientation": "h", "x": 0, "y": -0.22},
    )  # fmt: skip
    return figure
