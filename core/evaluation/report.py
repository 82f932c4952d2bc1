"""An evaluation or a comparison as one self-contained HTML file, and as a table."""

import datetime
import html
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from core.data.dataset import DataFolder
from core.errors import UserError
from core.evaluation import cache, plots, statistics, thresholds
from core.evaluation.cache import Evaluation
from core.evaluation.comparison import Scoreboard
from core.evaluation.filters import Filter, chosen
from core.evaluation.pictures import errors_beside, small_pictures
from core.evaluation.statistics import Interval, pooled_intervals
from core.policy.permissions import needs
from core.system.formatting import percent, pixels_of, plural
from core.system.score_names import DICE_MEAN, LABELS, score
from core.system.spreadsheets import csv_text

PICTURED = 12  # images shown, worst first
COLUMNS = {
    "name": "image", "dice": "dice", "iou": "iou", "precision": "precision", "recall": "recall",
    "pixel_accuracy": "pixel_accuracy", "boundary_iou": "boundary_iou", "hd95": "hausdorff_95_px",
    "foreground": "foreground", "brightness": "brightness", "height": "height", "width": "width",
}  # fmt: skip
STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 1180px; margin: 2rem auto; padding: 0 1rem; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.2rem; } .note { opacity: .7; font-size: .9rem; }
table { border-collapse: collapse; } td, th { padding: .3rem .8rem .3rem 0; text-align: left; }
th { border-bottom: 1px solid #8888; } .charts { display: grid; gap: 1rem;
grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); } .charts > div { background: #fff;
border-radius: 8px; min-width: 0; } .image { margin: 1.2rem 0; } .image div { display: grid; gap: .6rem;
grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); } figure { margin: 0; } figcaption { opacity: .7;
font-size: .8rem; } img { width: 100%; border-radius: 6px; display: block; } .verdict { font-size: 1.15rem; }
"""


def scores_table(found: Evaluation, threshold: float) -> str:
    """Every image's scores as CSV, fractions in 0..1, worst Dice first. Boundary scores have the threshold of
    the evaluation, in a column beside that of the other scores."""
    rows = chosen(found.judged(threshold), Filter()).rename(columns=COLUMNS)[list(COLUMNS.values())]
    if found.task.kind != "multiclass":
        rows = rows.assign(threshold=threshold, edge_threshold=found.threshold)
    return csv_text(rows, digits=6)


def comparison_table(board: Scoreboard) -> str:
    """The Dice of every image and model as CSV, the largest disagreement first."""
    columns = {label: f"Dice of {label}" for label in board.labels}
    table = board.dice.rename(columns=columns).assign(spread=board.spread)
    return csv_text(table.rename_axis("image").reset_index(), digits=6)


@needs("train")
def report(found: Evaluation, data: DataFolder, model: str, split: str, threshold: float) -> str:
    """One model on one split of a data set, as HTML."""
    judged = found.judged(threshold)
    figures = pooled_intervals(found.counts_at(threshold), found.task)
    count = plural(len(judged), "image")
    body = [
        f"<h1>{html.escape(model)}</h1>",
        f"<p>{html.escape(data.name)}, {split}: {count}, each at its own size"
        f"{_at(found, threshold)}{_edges(found)}. {_today()}</p>",
        _scores_section(found, figures),
        f'<p class="note">In brackets: the 95 % interval, by bootstrap over {count}.</p>',
        _charts(_evaluation_charts(found, judged, threshold)),
        f"<h2>The {min(PICTURED, len(judged))} worst images</h2>",
        *(
            _image(found, data, threshold, row)
            for row in chosen(judged, Filter()).head(PICTURED).to_dict("records")
        ),
    ]
    return _page(model, body)


@needs("train")
def comparison_report(
    board: Scoreboard,
    found: Mapping[str, Evaluation],
    data: DataFolder,
    split: str,
    levels: Mapping[str, float],
) -> str:
    """Several models on the same images, as HTML."""
    first, count = board.labels[0], plural(len(board.dice), "image")
    sentences = [p.sentence(first, label) for label, p in zip(board.labels[1:], board.pairs, strict=True)]
    rows = [
        (html.escape(label), str(mean), f"{found[label].milliseconds:.1f}")
        for label, mean in zip(board.labels, board.means, strict=True)
    ]
    by_name = board.dice.sort_index()
    charts = {
        f"{label} minus {first}": plots.differences(
            (by_name[label] - by_name[first]).to_numpy(), list(by_name.index), first, label
        )
        for label in board.labels[1:]
    }
    shown = list(board.dice.index[:PICTURED])
    title = " and ".join(board.labels)
    body = [
        f"<h1>{html.escape(title)}</h1>",
        f"<p>{html.escape(data.name)}, {split}: {count} that all models have predicted"
        f"{_edges(found[first])}. {_today()}</p>",
        *(f'<p class="verdict">{html.escape(sentence)}</p>' for sentence in sentences),
        _table(("model", f"{DICE_MEAN} (95 % interval)", "latency, ms"), rows),
        _charts(charts),
        "<h2>Where they disagree most</h2>",
        *(_versus_image(board, found, data, levels, name) for name in shown),
    ]
    return _page(title, body)


def _scores_section(found: Evaluation, figures: Mapping[str, Interval]) -> str:
    images, pixels, at = "mean over images", "pooled pixels", _at(found, found.threshold)
    named = [
        *(
            (LABELS[key], figures[key], "mean over images" if key.endswith("_mean") else pixels)
            for key in LABELS
        ),
        ("Boundary IoU", statistics.mean_interval(found.table["boundary_iou"]), f"{images}{at}"),
    ]
    rows = [(name, str(value), f"{how}, {plural(value.images, 'image')}") for name, value, how in named]
    far = statistics.mean_interval(found.table["hd95"].astype(float), bounds=(0, float("inf")))
    over = f"mean over {plural(far.images, 'image')}{at}"
    rows.append(("Hausdorff 95", f"{pixels_of(far.mean)} ({far.range_as(pixels_of)})", over))
    return _table(("score", "value", "how"), rows)


def _evaluation_charts(found: Evaluation, judged: pd.DataFrame, threshold: float) -> dict[str, go.Figure]:
    names = list(judged["name"])
    charts = {"Dice of each image": plots.dice_histogram(judged["dice"])}
    if found.histograms is not None:
        swept = thresholds.sweep(found.histograms)
        calibrated = thresholds.calibration(found.histograms, found.sums)
        area, error = thresholds.pixel_intervals(found.histograms, found.sums)
        charts |= {
            f"Threshold; the best is {swept.best:g}": plots.threshold_curves(swept, threshold),
            f"Precision and recall; average precision {area}": plots.precision_recall(swept, threshold),
            f"Calibration; expected error {error}": plots.reliability(calibrated),
        }
    return charts | {
        "Dice against foreground": plots.score_against(
            100 * judged["foreground"], judged["dice"], names, "foreground", "% of the photo", True
        ),
        "Dice against brightness": plots.score_against(
            100 * judged["brightness"], judged["dice"], names, "brightness", "%"
        ),
    }


def _image(found: Evaluation, data: DataFolder, threshold: float, row: Mapping[Any, Any]) -> str:
    name = str(row["name"])
    share = percent(row["foreground"])
    heading = f"<b>{html.escape(name)}</b>, Dice {score(row['dice'])}, foreground {share}"
    try:
        pictures = small_pictures(cache.panels(found, data.pair(name), data, threshold), found.task)
    except UserError as error:
        return f'<div class="image">{heading}<p>{html.escape(str(error))}</p></div>'
    return f'<div class="image">{heading}<div>{_pictures(pictures)}</div></div>'


def _versus_image(
    board: Scoreboard,
    found: Mapping[str, Evaluation],
    data: DataFolder,
    levels: Mapping[str, float],
    name: str,
) -> str:
    try:
        truth, *errors = errors_beside(found, data, levels, name)
    except UserError as error:
        return f'<div class="image"><b>{html.escape(name)}</b><p>{html.escape(str(error))}</p></div>'
    dice = board.dice.loc[name].to_dict()
    shown = [truth, *((f"{label}, Dice {score(dice[label])}", url) for label, url in errors)]
    return f'<div class="image"><b>{html.escape(name)}</b><div>{_pictures(shown)}</div></div>'


def _pictures(pictures: Sequence[tuple[str, str]]) -> str:
    return "".join(
        f'<figure><img src="{url}" alt="{title}"><figcaption>{title}</figcaption></figure>'
        for title, url in ((html.escape(title), url) for title, url in pictures)
    )


def _charts(charts: Mapping[str, go.Figure]) -> str:
    drawn = []
    for title, figure in charts.items():
        figure.update_layout(title={"text": title, "font": {"size": 15}}, template="plotly_white",
                             margin={"l": 50, "r": 16, "t": 48, "b": 48})  # fmt: skip
        drawn.append(figure.to_html(full_html=False, include_plotlyjs=False, config={"displaylogo": False}))
    return f'<div class="charts">{"".join(f"<div>{d}</div>" for d in drawn)}</div>'


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["".join(f"<td>{cell}</td>" for cell in row) for row in rows]
    titles = "".join(f"<th>{cell}</th>" for cell in head)
    return f"<table><tr>{titles}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _at(found: Evaluation, threshold: float) -> str:
    return "" if found.task.kind == "multiclass" else f", threshold {threshold:g}"


def _edges(found: Evaluation) -> str:
    """Which mask is scored, where there are two."""
    if found.task.kind != "binary":
        return ""
    return ", refined edges" if found.refined else ", plain edges"


def _today() -> str:
    return f"Made on {datetime.datetime.now(datetime.UTC).date().isoformat()}."


def _page(title: str, body: Sequence[str]) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style>'
        f"<script>{get_plotlyjs()}</script></head><body>{''.join(body)}</body></html>"
    )
