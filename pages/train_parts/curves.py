"""What a training has learned so far: scores, curves, classes and the previews of its epochs."""

from pathlib import Path
from typing import Any

import streamlit as st

from core.models import registry
from core.policy.folders import may_open
from core.runs import plots
from core.runs.history import History
from core.runs.run_folder import Run
from core.runs.status import LIVE, Status
from core.system.formatting import dimensions
from core.system.score_names import DICE_MEAN, LABELS, score
from core.task import Task
from pages.widgets.classes import class_legend, class_table
from pages.widgets.explained import numbers_explained
from pages.widgets.wording import cut, plain

HEADLINE = ("dice_mean", "iou_mean", "pixel_accuracy")
_PLAIN: dict[str, Any] = {"border": True, "delta_color": "off", "delta_arrow": "off"}


def numbers(run: Run, history: History, status: Status) -> None:
    """The scores beside those of the untrained model: of the last epoch, or of the model that was kept."""
    if not history.epochs:
        return
    first, last, best = history.epochs[0], history.epochs[-1], history.best
    card = None if status.state in LIVE else registry.card_of_run(run)
    with st.container(horizontal=True):
        if best is None:
            for key in HEADLINE:
                st.metric(f"{LABELS[key]}, untrained", score(getattr(first, key)), border=True)
            return
        for key in HEADLINE:
            now = card.scores[key] if card and key in card.scores else getattr(last, key)
            before = score(getattr(first, key))
            st.metric(LABELS[key], score(now), f"untrained {before}", **_PLAIN)
        if card:
            st.metric("Best epoch", f"{best.epoch}", f"of {last.epoch}", **_PLAIN)
        else:
            st.metric(f"Best {DICE_MEAN}", score(best.dice_mean), f"epoch {best.epoch}", **_PLAIN)
    size = dimensions(run.config.height, run.config.width)
    seen = "in windows" if run.config.sampling == "patches" else f"at {size}"
    if card:
        own = card.scores.get("dice_mean") != best.dice_mean
        st.caption(f"{plain(card.scored_on)}{f' In the charts, and untrained: {seen}.' if own else ''}")
    else:
        st.caption(f"After each epoch, on validation images {seen}.")
    numbers_explained()


def charts(history: History, status: Status) -> None:
    """The curves; where a run ended without any, a sentence."""
    if not (history.steps or history.epochs) and status.state not in LIVE:
        st.caption("It ended before its first step: there is nothing to show, and nothing to resume.")
        return
    per_epoch = history.started.steps_per_epoch if history.started else 1
    total = history.expected_epochs
    columns = st.columns(3)
    drawn = (
        ("loss_chart", plots.loss_curve),
        ("overlap_chart", plots.overlap_curve),
        ("accuracy_chart", plots.accuracy_curve),
    )
    for column, (key, draw) in zip(columns, drawn, strict=True):
        with column:
            figure = draw(history.steps, history.epochs, per_epoch, total)
            st.plotly_chart(figure, key=key, config={"displayModeBar": False})


def classes(history: History) -> None:
    """The scores of each class, where there are several."""
    task = Task.from_dict(history.started.task) if history.started and history.started.task else Task()
    if task.kind == "binary" or not history.epochs:
        return
    latest = history.epochs[-1]
    class_legend(task)
    with st.expander("Scores of each class"):
        class_table(task, latest.class_dice, latest.class_iou)


def previews(run: Run, history: History, status: Status) -> None:
    """The same validation images after each epoch, above their ground truth."""
    if not history.previews or not may_open(Path(run.config.data)):
        return
    epochs = sorted(history.previews)
    latest = epochs[-1]
    shown = latest
    if status.state not in LIVE and len(epochs) > 1:
        shown = st.select_slider("Predictions after epoch", epochs, latest, key="preview_epoch")
    when = "before training" if shown == 0 else f"after epoch {shown}"
    st.markdown(f"**Predictions {when}**, ground truth below")
    files = history.previews[shown].files
    columns = st.columns(max(1, len(files)))
    names = history.started.preview_names if history.started else []
    for i, (column, file) in enumerate(zip(columns, files, strict=True)):
        with column:
            for path in (run.folder / file, run.folder / "previews" / f"truth_{i}.jpg"):
                if path.is_file():
                    st.image(str(path), width="stretch")
            if i < len(names):
                shown_name, whole = cut(names[i], 28)
                st.caption(shown_name, help=whole)
