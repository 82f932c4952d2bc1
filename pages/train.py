"""Train: choose data, encoder and preset, start, and watch it learn."""

from pathlib import Path
from typing import Any

import streamlit as st

from core.config import TrainConfig
from core.errors import UserError
from core.models.encoder_catalogue import describe
from core.models.importing import PATHS
from core.policy.folders import may_open
from core.policy.permissions import allowed
from core.runs import jobs, plots, run_folder
from core.runs.run_folder import LIVE, History, Run, Status
from core.system.formatting import duration
from core.system.score_names import DICE_MEAN, IOU_MEAN, LABELS, PIXEL_ACCURACY, score
from core.task import Task
from pages.widgets.access import open_to
from pages.widgets.classes import class_legend, class_table
from pages.widgets.entry import open_page
from pages.widgets.explained import numbers_explained
from pages.widgets.rate_search import find_rate_button, rate_search
from pages.widgets.settings import choose_config
from pages.widgets.wording import plain

BADGES = {
    "starting": ("Starting", "blue"),
    "queued": ("Waiting in line", "orange"),
    "running": ("Training", "blue"),
    "finished": ("Finished", "green"),
    "stopped": ("Stopped", "gray"),
    "failed": ("Failed", "red"),
    "died": ("Died", "red"),
}

RESUME_HELP = "Go on after the last whole epoch, as if nothing had happened."
_PLAIN: dict[str, Any] = {"border": True, "delta_color": "off", "delta_arrow": "off"}


def train_page() -> None:
    st.title("Train a model")
    if open_to("train"):
        with st.container(border=True):
            config = choose_config()
            if config:
                with st.container(horizontal=True):
                    if st.button("Start training", type="primary", icon=":material/play_arrow:"):
                        start(config)
                    find_rate_button(config)
            rate_search()
    run = selected_run()
    if run is None:
        st.caption("Nothing has been trained yet. Press **Start training** and watch it learn.")
        return
    watch(run)


def start(config: TrainConfig) -> None:
    try:
        run = jobs.start(config)
    except (UserError, OSError) as error:
        st.error(plain(str(error)))
        return
    st.session_state.watched_run = run.id
    st.query_params["run"] = run.id


def resume(run: Run) -> None:
    try:
        jobs.resume(run)
    except (UserError, OSError) as error:
        st.error(plain(str(error)))
        return
    st.rerun()


def selected_run() -> Run | None:
    """The run to watch: named in the address, just started, training now, or the newest."""
    everything = run_folder.list_runs()
    if not everything:
        return None
    ids = [run.id for run in everything]
    active = [run.id for run in jobs.active() if not run.is_search]
    wanted = st.query_params.get("run") or st.session_state.get("watched_run") or (active or ids)[0]
    if wanted not in ids:
        wanted = (active or ids)[0]
    if len(ids) > 1:
        st.session_state.run_box = wanted
        wanted = st.selectbox("Run", ids, key="run_box", on_change=_remember_run, format_func=_run_label)
    return run_folder.find(wanted)


def _remember_run() -> None:
    st.session_state.watched_run = st.session_state.run_box
    st.query_params["run"] = st.session_state.run_box


def _run_label(run_id: str) -> str:
    run = run_folder.find(run_id)
    if run is None:
        return run_id
    try:
        config = run.config
        return (
            f"{config.name or run_id} · {config.preset} · {describe(config.encoder)} · {run.status().state}"
        )
    except UserError:
        return run_id


def watch(run: Run) -> None:
    """The run's state, charts and previews; renewed every second while it lives."""
    live = run.status().state in LIVE
    st.fragment(_watch, run_every=0.9 if live else None)(run.id, live)


def _watch(run_id: str, was_live: bool) -> None:
    run = run_folder.find(run_id)
    if run is None:
        st.warning("This run's folder is gone.")
        return
    kept: dict[str, History] = st.session_state.setdefault("histories", {})
    if run_id not in kept:
        kept.clear()
        kept[run_id] = History(run)
    history, status = kept[run_id].refresh(), run.status()
    if was_live and status.state not in LIVE:
        jobs.reap()
        st.rerun()
    # A container each: what appears in one never moves, or for a moment doubles, the next.
    with st.container():
        headline(run, status, history)
    with st.container():
        numbers(history)
        what_next(run, status)
    with st.container():
        charts(history)
    with st.container():
        classes(history)
    with st.container():
        previews(run, history, status)
    if run.is_open:
        log(run, history)


def headline(run: Run, status: Status, history: History) -> None:
    label, colour = BADGES[status.state]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(label, color=colour)  # type: ignore[arg-type]
        st.progress(history.fraction_done, progress_text(status, history))
        if (
            status.state in LIVE
            and jobs.may_change(run)
            and st.button("Stop", icon=":material/stop:", key="stop")
        ):
            with st.spinner("Stopping …"):
                jobs.stop(run)
            st.rerun()
        may_resume = run.can_resume and allowed("train") and jobs.may_change(run)
        if may_resume and st.button("Resume", icon=":material/resume:", key="resume", help=RESUME_HELP):
            resume(run)
    if status.state in ("failed", "died"):
        st.error(plain(status.message))
    elif status.state == "queued":
        st.info(plain(status.message))
    for note in [n for n in history.notes if n.level == "warning"][:5]:
        st.warning(plain(note.text))


def what_next(run: Run, status: Status) -> None:
    """Once there is a model: look at its mistakes, or use it."""
    if status.state not in LIVE and (run.best / "config.json").exists():
        with st.container(horizontal=True):
            if st.button("Compare with the ground truth", icon=":material/compare:", type="primary"):
                st.session_state.chosen_model = str(run.best)
                st.switch_page("pages/compare.py")
            if st.button("Use it on a photo", icon=":material/content_cut:"):
                st.session_state.chosen_model = str(run.best)
                st.switch_page("pages/segment.py")


def progress_text(status: Status, history: History) -> str:
    if status.state == "queued":
        return "waiting"
    if status.state not in LIVE:
        seconds = history.finished.seconds if history.finished else None
        return f"trained for {duration(seconds)}" if seconds is not None else "ended"
    if not history.steps:
        return history.notes[-1].text if history.notes else "Starting …"
    step = history.steps[-1]
    total = history.started.epochs if history.started else 0
    speed, left = f"{step.images_per_second:.1f} images/s", f"{duration(step.seconds_left)} left"
    return f"epoch {step.epoch} of {total} · {speed} · {left}"


def numbers(history: History) -> None:
    """The latest validation scores, with what the untrained model had."""
    if not history.epochs:
        return
    first, last, best = history.epochs[0], history.epochs[-1], history.best
    with st.container(horizontal=True):
        if best is None:
            st.metric(f"{DICE_MEAN}, untrained", score(first.dice_mean), border=True)
            st.metric(f"{IOU_MEAN}, untrained", score(first.iou_mean), border=True)
            st.metric(f"{PIXEL_ACCURACY}, untrained", score(first.pixel_accuracy), border=True)
            return
        for key in ("dice_mean", "iou_mean", "pixel_accuracy"):
            before, now = (score(getattr(epoch, key)) for epoch in (first, last))
            st.metric(LABELS[key], now, f"untrained {before}", **_PLAIN)
        st.metric(f"Best {DICE_MEAN}", score(best.dice_mean), f"epoch {best.epoch}", **_PLAIN)
    numbers_explained()


def charts(history: History) -> None:
    per_epoch = history.started.steps_per_epoch if history.started else 1
    total = history.started.epochs if history.started else 1
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
    """How each class does, where there are several."""
    task = Task.from_dict(history.started.task) if history.started and history.started.task else Task()
    if task.kind == "binary" or not history.epochs:
        return
    latest = history.epochs[-1]
    class_legend(task)
    with st.expander("Each class"):
        class_table(task, latest.class_dice, latest.class_iou)


def previews(run: Run, history: History, status: Status) -> None:
    """The same validation images after each epoch, under the truth."""
    if not history.previews or not may_open(Path(run.config.data)):
        return
    epochs = sorted(history.previews)
    latest = epochs[-1]
    shown = latest
    if status.state not in LIVE and len(epochs) > 1:
        shown = st.select_slider("Predictions after epoch", epochs, latest, key="preview_epoch")
    st.markdown(f"**Predictions {'before training' if shown == 0 else f'after epoch {shown}'}**, truth below")
    files = history.previews[shown].files
    columns = st.columns(max(1, len(files)))
    names = history.started.preview_names if history.started else []
    for i, (column, file) in enumerate(zip(columns, files, strict=True)):
        with column:
            for path in (run.folder / file, run.folder / "previews" / f"truth_{i}.jpg"):
                if path.is_file():
                    st.image(str(path), width="stretch")
            if i < len(names):
                st.caption(plain(names[i]))


def log(run: Run, history: History) -> None:
    with st.expander("Log and settings"):
        inside = allowed("machine")  # who may know the machine's folders, which all of this names
        started = history.started
        if started:
            st.caption(
                f"{started.train_images} training and {started.validation_images} validation images · "
                f"{started.parameters / 1e6:.1f} M parameters · {started.device} · {started.precision} · "
                f"weights: {started.weights}" + (f" · folder {plain(str(run.folder))}" if inside else "")
            )
        if not inside:
            st.json({k: v for k, v in run.config.to_dict().items() if k not in PATHS}, expanded=False)
            return
        st.code(run.log or "Nothing yet.", language=None, height=220)
        st.caption("Settings, and where the numbers come from")
        st.json(run.config.to_dict(), expanded=False)
        st.json(run.provenance, expanded=False)


open_page(train_page)
