"""Train: choose data, encoder and preset, start, and watch the run."""

from pathlib import Path
from typing import Any

import streamlit as st

from core.config import TrainConfig
from core.errors import UserError
from core.models.card import PATHS
from core.policy.folders import may_open
from core.policy.permissions import allowed
from core.runs import jobs, plots, run_folder
from core.runs.history import History
from core.runs.run_folder import Run
from core.runs.status import LIVE, Status
from core.search import search_folder
from core.system.formatting import duration
from core.system.score_names import DICE_MEAN, IOU_MEAN, LABELS, PIXEL_ACCURACY, score
from core.task import Task
from core.training.naming import rename
from pages.train_parts.searches import shows_searches, watch_searches
from pages.train_parts.starting import TRAININGS, VIEW, search_button, sweep_button
from pages.widgets.access import open_to
from pages.widgets.classes import class_legend, class_table
from pages.widgets.entry import open_page
from pages.widgets.explained import numbers_explained
from pages.widgets.rate_search import find_rate_button, rate_search
from pages.widgets.run_labels import STATES, run_label
from pages.widgets.scroll_here import scroll_here
from pages.widgets.settings import choose_config, plan_of
from pages.widgets.wording import cut, plain

RESUME_HELP = "Continue after the last whole epoch."
NEXT_VIEW = "next_train_view"
_PLAIN: dict[str, Any] = {"border": True, "delta_color": "off", "delta_arrow": "off"}


def train_page() -> None:
    st.title("Train a model")
    if NEXT_VIEW in st.session_state:  # before the widget is drawn whose value it is
        st.session_state[VIEW] = st.session_state.pop(NEXT_VIEW)
    folder = None
    if open_to("train"):
        with st.container(border=True):
            folder, config = choose_config()
            if config:
                with st.container(horizontal=True):
                    if st.button("Start training", type="primary", icon=":material/play_arrow:"):
                        start(config)
                    find_rate_button(config)
                    search_button(config)
                    sweep_button(config)
            rate_search()
    searches = search_folder.list_searches()
    if searches and shows_searches(searches):
        watch_searches(searches, open_run)
        return
    runs = run_folder.list_runs()
    if not runs:
        st.caption("No runs yet. Choose **Start training** and watch the model learn.")
        return
    if st.session_state.pop("scroll_to_run", False):
        scroll_here("run_mark")
    run = selected_run(runs, folder)
    if run is None:
        st.caption("No run on this data set yet.")
        return
    watch(run)


def open_run(run_id: str) -> None:
    """Watch a training of a search."""
    select(run_id)
    st.session_state[NEXT_VIEW] = TRAININGS
    st.rerun()


def start(config: TrainConfig) -> None:
    try:
        run = jobs.start(config, plan_of(config))
    except (UserError, OSError) as error:
        st.error(plain(str(error)))
        return
    select(run.id)
    st.session_state[VIEW] = TRAININGS
    st.session_state.scroll_to_run = True
    st.session_state.chosen_model = str(run.best)  # what the other pages open once it is there


def select(run_id: str | None) -> None:
    """Watch this run, or none, from now on; the address of the page names it."""
    st.session_state.watched_run = run_id
    if run_id:
        st.query_params["run"] = run_id
    else:
        st.query_params.pop("run", None)


def resume(run: Run) -> None:
    try:
        jobs.resume(run)
    except (UserError, OSError) as error:
        st.error(plain(str(error)))
        return
    st.rerun()


def selected_run(runs: list[Run], folder: Path | None) -> Run | None:
    """The run to watch: named in the address, just started, training now, or the newest on the data set."""
    by_id = {run.id: run for run in runs}
    before = st.session_state.get("data_of_runs", folder)
    st.session_state.data_of_runs = folder
    wanted = st.query_params.get("run") or st.session_state.get("watched_run")
    if before != folder and wanted in by_id and by_id[wanted].status().state not in LIVE:
        select(None)  # it belongs to the data set that was shown before
        wanted = None
    if wanted not in by_id:
        live = [run.id for run in jobs.active() if not run.is_rate_finder]
        wanted = next(iter(live or [run.id for run in runs if folder is None or is_on(run, folder)]), None)
    st.session_state.run_box = wanted
    chosen = st.selectbox(
        "Run", list(by_id), index=None, key="run_box", on_change=_remember_run,
        placeholder="Choose an earlier run", format_func=lambda run_id: run_label(by_id[run_id]),
    )  # fmt: skip
    return by_id.get(chosen or "")


def _remember_run() -> None:
    select(st.session_state.run_box)


def is_on(run: Run, folder: Path) -> bool:
    try:
        return Path(run.config.data).resolve() == folder.resolve()
    except UserError:
        return False


def watch(run: Run) -> None:
    """The run's state, charts and previews; renewed every second while it trains."""
    title(run)
    live = run.status().state in LIVE
    st.fragment(_watch, run_every=0.9 if live else None)(run.id, live)


def title(run: Run) -> None:
    """What the run is called, and a way to change that."""
    try:
        name = run.title
    except UserError:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        shown, whole = cut(name, 60)
        st.subheader(shown, width="content", anchor=False, help=whole)
        if not (allowed("train") and jobs.may_change(run)):
            return
        with st.popover("Rename", icon=":material/edit:"):
            given = st.text_input("Name", name, max_chars=run_folder.MAX_NAME, key=f"name_{run.id}")
            if st.button("Save", type="primary", key=f"save_name_{run.id}"):
                try:
                    rename(run, given)
                except UserError as error:
                    st.error(plain(str(error)))
                    return
                st.rerun()


def _watch(run_id: str, was_live: bool) -> None:
    run = run_folder.find(run_id)
    if run is None:
        st.warning("The folder of this run is gone.")
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
    plan(run)
    if run.is_open:
        log(run, history)


def headline(run: Run, status: Status, history: History) -> None:
    label, colour = STATES[status.state]
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
    """Once there is a model: compare it, or use it."""
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
        return "waiting for another training"
    if status.state not in LIVE:
        seconds = history.finished.seconds if history.finished else None
        return f"trained for {duration(seconds)}" if seconds is not None else "ended"
    if not history.steps:
        return history.notes[-1].text if history.notes else "Starting …"
    step = history.steps[-1]
    total = "" if history.started and history.started.is_timed else f" of {history.expected_epochs}"
    speed, left = f"{step.images_per_second:.1f} images/s", f"{duration(step.seconds_left)} left"
    return f"epoch {step.epoch}{total} · {speed} · {left}"


def numbers(history: History) -> None:
    """The latest validation scores beside those of the untrained model."""
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


def plan(run: Run) -> None:
    """What preset Auto chose for this run, and why."""
    sentences = run.plan.get("sentences")
    if sentences:
        with st.expander("The plan, and why"):
            st.caption("\n".join(f"- {plain(sentence)}" for sentence in sentences))


def log(run: Run, history: History) -> None:
    with st.expander("Log and settings"):
        inside = allowed("machine")  # all of this names folders of the machine
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
        st.caption("Settings and provenance")
        st.json(run.config.to_dict(), expanded=False)
        st.json(run.provenance, expanded=False)


open_page(train_page)
