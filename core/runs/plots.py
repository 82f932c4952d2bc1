"""Charts of a run, from plain data. Colours are visible on light and dark pages and to the colour-blind."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from core.runs.events import EpochEnd, RatePoint, Step

BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"
GREY = "#8A8A8A"  # contrast of at least 3 to 1 on white and on the dark page: WCAG 2.2, 1.4.11
MAX_POINTS = 600  # more than a chart has pixels to show
CHART_HEIGHT = 280


def loss_curve(
    steps: Sequence[Step], epochs: Sequence[EpochEnd], steps_per_epoch: int, total: int
) -> go.Figure:
    """The loss of every batch, and on the validation images after every epoch."""
    figure = _chart("Loss", total)
    x, thinned = _batches(steps, steps_per_epoch)
    figure.add_scatter(
        x=x, y=[s.loss for s in thinned], name="batch", mode="lines", line={"color": GREY, "width": 1.5}
    )
    figure.add_scatter(
        x=[e.epoch for e in epochs], y=[e.validation_loss for e in epochs], name="validation",
        mode="lines+markers", line={"color": BLUE, "width": 2.5},
    )  # fmt: skip
    highest = max([s.loss for s in steps] + [e.validation_loss for e in epochs if e.epoch], default=1.0)
    figure.update_yaxes(range=[0, highest * 1.08])
    return figure


def overlap_curve(
    steps: Sequence[Step], epochs: Sequence[EpochEnd], steps_per_epoch: int, total: int
) -> go.Figure:
    """Dice and IoU, means over the validation images, and Dice of every batch."""
    figure = _chart("Dice and IoU (means over images)", total)
    x, thinned = _batches(steps, steps_per_epoch)
    figure.add_scatter(
        x=x,
        y=[s.dice_mean for s in thinned],
        name="Dice, batch",
        mode="lines",
        line={"color": GREY, "width": 1.5},
    )
    for name, colour, values in (
        ("Dice", BLUE, [e.dice_mean for e in epochs]),
        ("IoU", ORANGE, [e.iou_mean for e in epochs]),
    ):
        figure.add_scatter(
            x=[e.epoch for e in epochs], y=values, name=name, mode="lines+markers",
            line={"color": colour, "width": 2.5},
        )  # fmt: skip
    figure.update_yaxes(range=[0, 1.02])
    return figure


def accuracy_curve(
    steps: Sequence[Step], epochs: Sequence[EpochEnd], steps_per_epoch: int, total: int
) -> go.Figure:
    """Pixel accuracy on the validation images, and of every batch."""
    figure = _chart("Pixel accuracy", total)
    x, thinned = _batches(steps, steps_per_epoch)
    figure.add_scatter(
        x=x,
        y=[s.pixel_accuracy for s in thinned],
        name="batch",
        mode="lines",
        line={"color": GREY, "width": 1.5},
    )
    figure.add_scatter(
        x=[e.epoch for e in epochs], y=[e.pixel_accuracy for e in epochs], name="validation",
        mode="lines+markers", line={"color": GREEN, "width": 2.5},
    )  # fmt: skip
    figure.update_yaxes(range=[0, 1.02])
    return figure


def rate_curve(points: Sequence[RatePoint], found: float) -> go.Figure:
    """The loss of a learning-rate finder against the rate, and the rate that it suggests."""
    figure = go.Figure()
    rates = [p.rate for p in points]
    figure.add_scatter(x=rates, y=[p.loss for p in points], name="batch", mode="lines",
                       line={"color": GREY, "width": 1.5})  # fmt: skip
    figure.add_scatter(x=rates, y=[p.smooth for p in points], name="running mean", mode="lines",
                       line={"color": BLUE, "width": 2.5})  # fmt: skip
    if found:
        figure.add_vline(found, line={"color": ORANGE, "dash": "dash"}, annotation_text=f"{found:g}")
    figure.update_layout(
        title={"text": "Loss at rising learning rates", "x": 0.02, "font": {"size": 15}},
        height=CHART_HEIGHT, margin={"l": 44, "r": 12, "t": 42, "b": 64}, uirevision="keep",
        legend={"orientation": "h", "x": 0, "y": -0.24},
    )  # fmt: skip
    highest = max((p.smooth for p in points[:10]), default=1.0)
    figure.update_xaxes(
        type="log", title={"text": "learning rate", "standoff": 4}, dtick=1, exponentformat="power"
    )
    figure.update_yaxes(range=[0, highest * 1.25], title="loss")
    return figure


def _chart(title: str, epochs: int) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(
        title={"text": title, "x": 0.02, "font": {"size": 15}},
        height=CHART_HEIGHT,
        margin={"l": 44, "r": 12, "t": 42, "b": 64},
        legend={"orientation": "h", "x": 0, "y": -0.22},
        hovermode="x unified",
        uirevision="keep",  # a zoom survives the next update
    )
    figure.update_xaxes(title={"text": "epoch", "standoff": 4}, range=[-0.02 * epochs, epochs * 1.02])
    figure.update_yaxes(tickformat=".2f")
    return figure


def _batches(steps: Sequence[Step], steps_per_epoch: int) -> tuple[list[float], list[Step]]:
    """Where each step lies on an axis of epochs, thinned to MAX_POINTS."""
    thinned = list(steps[:: max(1, len(steps) // MAX_POINTS)])
    return [s.step / max(1, steps_per_epoch) for s in thinned], thinned


def encoder_costs(table: pd.DataFrame, front: Sequence[bool], picked: str = "") -> go.Figure:
    """ImageNet accuracy against multiplications, of rows of core.encoder_table; those on the front joined."""
    best = table[list(front)].sort_values("gmacs")
    figure = go.Figure()
    figure.add_scatter(x=best["gmacs"], y=best["top1"], mode="lines", hoverinfo="skip", showlegend=False,
                       line={"color": GREY, "shape": "hv"})  # fmt: skip
    for name, colour, on_it in (("best for its cost", BLUE, True), ("others", GREY, False)):
        some = table[[flag == on_it for flag in front]]
        figure.add_scatter(
            x=some["gmacs"], y=some["top1"], name=name, mode="markers", text=some["encoder"],
            marker={"size": 10 if on_it else 8, "color": colour},
            hovertemplate="%{text}<br>%{y:.1f} % on ImageNet<br>%{x:.1f} GMACs<extra></extra>",
        )  # fmt: skip
    chosen = table[table["encoder"] == picked]
    if len(chosen):
        figure.add_scatter(
            x=chosen["gmacs"], y=chosen["top1"], mode="markers", showlegend=False, hoverinfo="skip",
            marker={"size": 16, "color": "rgba(0,0,0,0)", "line": {"color": ORANGE, "width": 3}},
        )  # fmt: skip
    figure.update_xaxes(
        title="GMACs of a U-Net with it, 192 x 256 px", type="log", tickvals=[1, 2, 3, 5, 10, 20, 30, 50]
    )
    figure.update_yaxes(title="ImageNet accuracy, %")
    figure.update_layout(
        height=460, margin={"l": 10, "r": 10, "t": 10, "b": 10}, legend={"orientation": "h", "y": 1.06},
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
    )  # fmt: skip
    return figure
