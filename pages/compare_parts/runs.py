"""Runs beside each other: curves over epochs or seconds, and the settings that differ."""

from pathlib import Path
from typing import Any

import streamlit as st

from core.config import TrainConfig
from core.errors import UserError
from core.evaluation import comparison, plots
from core.evaluation.comparison import unique_labels
from core.policy.disclosure import for_visitor
from core.runs import run_folder
from core.runs.history import History
from core.runs.run_folder import Run
from core.settings import settings_of
from core.system.score_names import DICE_MEAN, IOU_MEAN, PIXEL_ACCURACY, SCORE_FORMAT
from core.system.spreadsheets import inert
from pages.train_parts.selection import is_on
from pages.widgets.chart import chart
from pages.widgets.run_labels import STATES, run_label
from pages.widgets.wording import plain

MEASURES = {
    DICE_MEAN: "dice_mean",
    IOU_MEAN: "iou_mean",
    PIXEL_ACCURACY: "pixel_accuracy",
    "Validation loss": "validation_loss",
    "Training loss": "train_loss",
}
MAX_RUNS = 8
SETTINGS = {name: about.label for name, _, _, about in settings_of(TrainConfig)} | {"data": "Data set"}


def compare_runs(folder: Path) -> None:
    """Runs on the data set in this folder first: scores on different photos cannot be compared."""
    runs = {run.id: run for run in run_folder.list_runs() if is_readable(run)}
    if not runs:
        st.info("No runs yet: start two on the Train page to compare them here.")
        return
    labels = dict(zip(runs, unique_labels([run_label(run) for run in runs.values()]), strict=True))
    first = [run_id for run_id, run in runs.items() if is_on(run, folder)] or list(runs)
    # The folder's name alone in the key: browsers see keys, and no stranger sees a path.
    picked = st.multiselect(
        "Runs", list(runs), first[:4], max_selections=MAX_RUNS, key=f"runs_compared_{folder.name}",
        format_func=labels.__getitem__,
    )  # fmt: skip
    if not picked:
        return
    chosen = {labels[run_id]: runs[run_id] for run_id in picked}
    histories = {label: History(run).refresh() for label, run in chosen.items()}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        measure = st.segmented_control(
            "Measure", list(MEASURES), default=DICE_MEAN, required=True, key="run_measure"
        )
        over = st.segmented_control(
            "Over", ["Epochs", "Seconds"], default="Epochs", required=True, key="run_over"
        )
    curves = {
        label: curve(history, MEASURES[str(measure)], over == "Seconds")
        for label, history in histories.items()
    }
    chart(plots.run_curves(curves, str(over).lower(), str(measure)), "run_chart")
    settings(chosen, histories)


def is_readable(run: Run) -> bool:
    try:
        return bool(run.config)
    except UserError:
        return False


def curve(history: History, measure: str, over_seconds: bool) -> tuple[list[float], list[float]]:
    """One line: epoch or seconds of training, and the score after it."""
    epochs = [e for e in history.epochs if e.epoch or not measure.endswith("loss")]
    return (
        [float(e.seconds if over_seconds else e.epoch) for e in epochs],
        [float(getattr(e, measure)) for e in epochs],
    )


def settings(chosen: dict[str, Run], histories: dict[str, History]) -> None:
    """Scores, and the settings that differ first; a click on a heading sorts."""
    configs = {label: run.config.to_dict() for label, run in chosen.items()}
    differ = comparison.differing(list(configs.values()))
    only = st.toggle("Only settings that differ", True, key="only_differing", disabled=len(chosen) < 2)
    shown = differ if only and len(chosen) > 1 else list(next(iter(configs.values())))
    rows: list[dict[str, Any]] = []
    for label, run in chosen.items():
        best = histories[label].best
        last = histories[label].epochs[-1] if histories[label].epochs else None
        rows.append(
            {
                "Run": label,
                "State": STATES[run.status().state][0],
                f"Best {DICE_MEAN}": best.dice_mean if best else None,
                IOU_MEAN: best.iou_mean if best else None,
                PIXEL_ACCURACY: best.pixel_accuracy if best else None,
                "Epochs done": last.epoch if last else 0,
                "Seconds": last.seconds if last else 0.0,
            }
            | {named(name): configs[label].get(name) for name in shown}
            | ({named("data"): run.data_name} if "data" in shown else {})
        )
    scores = (f"Best {DICE_MEAN}", IOU_MEAN, PIXEL_ACCURACY)
    st.dataframe(
        inert(_readable(rows)), hide_index=True, placeholder=" ",
        column_config={name: st.column_config.NumberColumn(format=SCORE_FORMAT) for name in scores}
        | {"Seconds": st.column_config.NumberColumn(format="%.0f")}
        | {named(name): st.column_config.Column(help="differs between these runs") for name in differ},
    )  # fmt: skip
    if len(chosen) > 1:
        listed = ", ".join(f"**{plain(named(name))}**" for name in differ) or "nothing but chance"
        st.caption(f"What differs: {listed}.")


def named(setting: str) -> str:
    """What the Train page calls a setting."""
    return SETTINGS.get(setting, setting)


def _readable(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lists and dictionaries as text, for a table that sorts, and texts as this visitor may read them."""

    def cell(value: Any) -> Any:
        return for_visitor(str(value)) if isinstance(value, (str, list, tuple, dict)) else value

    return [{name: cell(value) for name, value in row.items()} for row in rows]
