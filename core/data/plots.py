"""Figures of a data set: how much is foreground, how large the photos are, how rare the classes."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from core.runs.plots import BLUE, ORANGE

HEIGHT = 260
MAX_DOTS = 3000


def share_histogram(shares: Sequence[float], what: str) -> go.Figure:
    """How many photos have which share of `what`, such as foreground, in bins of 5 %."""
    counts, _ = np.histogram(np.asarray(shares), bins=20, range=(0, 1))
    figure = _figure(what, "share of a photo, %", "photos")
    figure.add_bar(x=[2.5 + 5 * i for i in range(20)], y=counts.tolist(), width=4.6, marker_color=BLUE)
    figure.update_xaxes(range=[0, 100])
    return figure


def size_scatter(sizes: Sequence[tuple[int, int]]) -> go.Figure:
    """Widths and heights; dots grow with how many photos share a size."""
    common = Counter(sizes).most_common(MAX_DOTS)
    figure = _figure("Sizes of the photos", "width, px", "height, px")
    figure.add_scatter(
        x=[w for (w, _), _ in common], y=[h for (_, h), _ in common], mode="markers",
        marker={"size": [6 + 5 * float(np.log10(n)) for _, n in common], "color": ORANGE, "opacity": 0.7},
        text=[f"{w} x {h}: {n:,} photos" for (w, h), n in common], hoverinfo="text",
    )  # fmt: skip
    figure.update_xaxes(rangemode="tozero")
    figure.update_yaxes(rangemode="tozero")
    return figure


def class_bars(balance: Mapping[str, float]) -> go.Figure:
    """The share of all pixels that each class covers, largest first."""
    ranked = sorted(balance.items(), key=lambda entry: entry[1])
    figure = _figure("Classes", "share of all pixels, %", "")
    figure.add_bar(
        x=[100 * share for _, share in ranked], y=[name for name, _ in ranked],
        orientation="h", marker_color=BLUE, text=[f"{100 * share:.2f}" for _, share in ranked],
    )  # fmt: skip
    figure.update_layout(height=max(HEIGHT, 26 * len(ranked) + 90))
    return figure


def _figure(title: str, x: str, y: str) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(
        title=title, height=HEIGHT, margin={"l": 8, "r": 8, "t": 40, "b": 8}, showlegend=False
    )
    figure.update_xaxes(title=x)
    figure.update_yaxes(title=y)
    return figure
