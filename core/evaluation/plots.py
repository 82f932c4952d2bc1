"""Charts of an evaluation, from plain numbers. Titles and axes name the unit and what is averaged."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from core.evaluation.statistics import Interval
from core.evaluation.thresholds import EDGES, GRID, Calibration, Sweep
from core.runs.plots import BLUE, GREEN, GREY, ORANGE
from core.system.formatting import shortened
from core.system.score_names import DICE_MEAN, IOU_MEAN

HEIGHT = 300
DICE_BINS = 20
MODEL_COLOURS = (BLUE, ORANGE, GREEN, "#CC79A7", "#D55E00", "#56B4E9", "#7F6A00", "#8A8A8A")
PINK = MODEL_COLOURS[3]


def dice_histogram(values: ArrayLike, chosen: int | None = None) -> go.Figure:
    """How many images have which Dice, in bins of 0.05; the chosen bin is marked."""
    counts, edges = np.histogram(np.asarray(values), bins=DICE_BINS, range=(0, 1))
    colours = [ORANGE if i == chosen else BLUE for i in range(DICE_BINS)]
    figure = _figure("Distribution of Dice", "Dice of an image", "images")
    figure.add_bar(
        x=(edges[:-1] + edges[1:]) / 2, y=counts, width=0.046, marker_color=colours,
        customdata=np.stack([edges[:-1], edges[1:]], 1),
        hovertemplate="Dice %{customdata[0]:.2f} to %{customdata[1]:.2f}: %{y} images<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(range=[0, 1])
    return figure


def dice_range(bar: int) -> tuple[float, float]:
    """The Dice from and to which a bar of the histogram counts; the last takes 1 in."""
    low, high = bar / DICE_BINS, (bar + 1) / DICE_BINS
    return low, high if bar == DICE_BINS - 1 else float(np.nextafter(high, 0))


def threshold_curves(found: Sweep, current: float) -> go.Figure:
    """Scores against the threshold; the best and the current one are marked."""
    figure = _figure("Scores at each threshold", "threshold", "score")
    precise = np.where(found.recall > 0, found.precision, np.nan)  # undefined where nothing is found
    for name, values, colour in (
        (DICE_MEAN, found.dice_mean, BLUE),
        (IOU_MEAN, found.iou_mean, ORANGE),
        ("precision", precise, GREEN),
        ("recall", found.recall, PINK),
    ):
        figure.add_scatter(x=GRID, y=values, name=name, mode="lines", line={"color": colour, "width": 2.5})
    best = found.best
    figure.add_vline(current, line={"color": GREY, "width": 2})
    figure.add_scatter(
        x=[best], y=[float(found.dice_mean.max())], name=f"best, {best:g}", mode="markers",
        marker={"symbol": "star", "size": 13, "color": BLUE},
    )  # fmt: skip
    figure.update_layout(hovermode="x unified", height=HEIGHT + 80, **_LEGEND)
    figure.update_xaxes(range=[0, 1])
    figure.update_yaxes(range=[0, 1.02])
    return figure


def precision_recall(found: Sweep, threshold: float) -> go.Figure:
    """Precision over recall of all pixels, with the point of the threshold.

    Drawn from the bins that average precision is taken from: a model that is sure of itself gives most
    pixels a probability nearer to 0 or 1 than a step of GRID.
    """
    figure = _figure("Precision and recall (pooled pixels)", "recall", "precision")
    some = found.fine_recall > 0
    figure.add_scatter(
        x=found.fine_recall[some], y=found.fine_precision[some], mode="lines",
        line={"color": BLUE, "width": 2.5}, customdata=EDGES[some], name="",
        hovertemplate="threshold %{customdata:.7~g}<br>precision %{y:.3f}, recall %{x:.3f}<extra></extra>",
    )  # fmt: skip
    at = int(np.argmin(np.abs(GRID - threshold)))
    figure.add_scatter(
        x=[found.recall[at]], y=[found.precision[at]], mode="markers", name=f"threshold {threshold:g}",
        marker={"size": 11, "color": ORANGE},
    )  # fmt: skip
    figure.update_layout(showlegend=False)
    figure.update_xaxes(range=[0, 1.02])
    figure.update_yaxes(range=[0, 1.02])
    return figure


def reliability(found: Calibration) -> go.Figure:
    """How often pixels of a predicted probability are foreground; a calibrated model is on the diagonal."""
    figure = _figure("Calibration (pooled pixels)", "predicted probability", "observed frequency")
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": GREY, "dash": "dash"}, hoverinfo="skip"
    )
    share = found.pixels / max(1, found.pixels.sum())
    figure.add_scatter(
        x=found.confidence, y=found.foreground, mode="lines+markers", line={"color": BLUE},
        marker={"size": 5 + 14 * np.sqrt(share)}, customdata=100 * share,
        hovertemplate="predicted %{x:.3f}, observed %{y:.3f}<br>%{customdata:.2f} % of pixels<extra></extra>",
    )  # fmt: skip
    figure.update_layout(showlegend=False)
    figure.update_xaxes(range=[0, 1])
    figure.update_yaxes(range=[0, 1.02])
    return figure


def score_against(
    values: ArrayLike,
    scores: ArrayLike,
    names: Sequence[str],
    what: str,
    unit: str,
    logarithmic: bool = False,
) -> go.Figure:
    """Each image's Dice against another property of it, with the medians of ten groups of equal size."""
    x, y = np.asarray(values, float), np.asarray(scores, float)
    if logarithmic:
        x = np.maximum(x, 1e-2)
    figure = _figure(f"Dice against {what}", f"{what}, {unit}", "Dice of an image")
    figure.add_scattergl(
        x=x, y=y, mode="markers", text=list(names), marker={"size": 6, "color": BLUE, "opacity": 0.45},
        hovertemplate="%{text}<br>Dice %{y:.4f}<extra></extra>",
    )  # fmt: skip
    groups = [g for g in np.array_split(np.argsort(x, kind="stable"), min(10, len(x))) if len(g)]
    figure.add_scatter(
        x=[np.median(x[g]) for g in groups], y=[np.median(y[g]) for g in groups],
        mode="lines+markers", line={"color": ORANGE, "width": 3}, hoverinfo="skip",
    )  # fmt: skip
    figure.update_layout(showlegend=False)
    if logarithmic:
        figure.update_xaxes(type="log")
    figure.update_yaxes(range=[-0.02, 1.02])
    return figure


def differences(values: NDArray[np.float64], names: Sequence[str], first: str, second: str) -> go.Figure:
    """The Dice of the second model minus that of the first for each image, sorted."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    figure = _figure(
        f"Dice: {shortened(second, 24)} minus {shortened(first, 24)}", "images, sorted", "difference"
    )
    figure.add_bar(
        x=np.arange(len(ranked)), y=ranked, text=[names[i] for i in order], textposition="none",
        marker={"color": [ORANGE if v < 0 else BLUE for v in ranked], "line": {"width": 0}},
        hovertemplate="%{text}: %{y:+.4f}<extra></extra>",
    )  # fmt: skip
    figure.update_layout(bargap=0)
    figure.update_xaxes(showticklabels=False)
    return figure


def pareto(
    labels: Sequence[str],
    scores: Sequence[Interval],
    costs: Sequence[float],
    front: Sequence[bool],
    cost: str,
) -> go.Figure:
    """Dice (mean over images) with its interval against a cost, such as "latency, ms". The line joins the
    models that no other beats in both."""
    figure = _figure(f"{DICE_MEAN} against {cost}", cost, DICE_MEAN)
    best = sorted((costs[i], scores[i].mean) for i in range(len(labels)) if front[i])
    figure.add_scatter(x=[c for c, _ in best], y=[s for _, s in best], mode="lines", hoverinfo="skip",
                       line={"color": GREY, "shape": "hv"}, showlegend=False)  # fmt: skip
    for i, (label, score) in enumerate(zip(labels, scores, strict=True)):
        figure.add_scatter(
            x=[costs[i]], y=[score.mean], name=shortened(label), mode="markers",
            marker={"size": 13, "color": MODEL_COLOURS[i % len(MODEL_COLOURS)]},
            error_y={"type": "data", "symmetric": False, "array": [score.high - score.mean],
                     "arrayminus": [score.mean - score.low], "thickness": 1.5, "visible": score.is_known},
            hovertemplate=f"{label}<br>{score}<br>%{{x:.1f}}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(**_LEGEND)
    figure.update_xaxes(rangemode="tozero")
    return figure


def run_curves(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], x: str, y: str) -> go.Figure:
    """One line for each run."""
    figure = _figure(f"{y} over {x}", x, y)
    for i, (label, (xs, ys)) in enumerate(curves.items()):
        figure.add_scatter(
            x=list(xs), y=list(ys), name=shortened(label), mode="lines+markers",
            line={"color": MODEL_COLOURS[i % len(MODEL_COLOURS)], "width": 2.5}, marker={"size": 5},
        )  # fmt: skip
    figure.update_layout(hovermode="x unified", **_LEGEND)
    return figure


def confusion_matrix(counts: Sequence[Sequence[int]], classes: Sequence[str]) -> go.Figure:
    """Row i, column j: the share of the pixels of class i that were predicted as class j."""
    shares = [[n / max(1, sum(row)) for n in row] for row in counts]
    figure = _figure("Confusion matrix, share of each true class", "predicted class", "true class")
    figure.add_heatmap(
        z=shares, x=list(classes), y=list(classes), zmin=0, zmax=1, colorscale="Blues",
        text=[[f"{s:.2f}" if s >= 0.005 else "" for s in row] for row in shares], texttemplate="%{text}",
        customdata=[list(row) for row in counts],
        hovertemplate="%{y} predicted as %{x}: %{z:.1%}, %{customdata:,} pixels<extra></extra>",
    )  # fmt: skip
    figure.update_layout(height=140 + 34 * len(classes))
    figure.update_xaxes(side="bottom")
    figure.update_yaxes(autorange="reversed")
    return figure


def dice_over_iou(iou: float | None = None) -> go.Figure:
    """Dice = 2 IoU / (1 + IoU), and the point of one IoU on it."""
    x = np.linspace(0, 1, 101)
    figure = _figure("Dice as a function of IoU", "IoU", "Dice")
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": GREY, "dash": "dash"}, hoverinfo="skip"
    )
    figure.add_scatter(x=x, y=2 * x / (1 + x), mode="lines", line={"color": BLUE, "width": 2.5},
                       hovertemplate="IoU %{x:.2f}, Dice %{y:.4f}<extra></extra>")  # fmt: skip
    if iou is not None:
        figure.add_scatter(x=[iou], y=[2 * iou / (1 + iou)], mode="markers", hoverinfo="skip",
                           marker={"size": 12, "color": ORANGE})  # fmt: skip
    figure.update_layout(showlegend=False)
    figure.update_xaxes(range=[0, 1.02])
    figure.update_yaxes(range=[0, 1.02])
    return figure


# At the bottom of the figure: placed below the plot, it would cover the title of the axis where it wraps.
_LEGEND = {
    "showlegend": True,
    "legend": {"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom"},
}


def _figure(title: str, x: str, y: str) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(
        title={"text": title, "x": 0.02, "font": {"size": 15}},
        height=HEIGHT, margin={"l": 8, "r": 8, "t": 42, "b": 8}, showlegend=False, uirevision="keep",
    )  # fmt: skip
    figure.update_xaxes(title={"text": x, "standoff": 4})
    figure.update_yaxes(title=y)
    return figure
