"""A training as it runs: its state, its buttons, its plan and its log, renewed every second."""

import streamlit as st

from core.errors import UserError
from core.models.card import PATHS
from core.policy.permissions import allowed
from core.runs import jobs, run_folder
from core.runs.history import History
from core.runs.run_folder import Run
from core.runs.status import LIVE, Status
from core.system.formatting import duration, time_left
from core.training.naming import rename
from pages.train_parts.curves import charts, classes, numbers, previews
from pages.widgets.run_labels import STATES
from pages.widgets.wording import cut, plain

RESUME_HELP = "Continue after the last whole epoch."


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
            with st.form(f"rename_{run.id}", border=False):  # Enter saves too
                given = st.text_input("Name", name, max_chars=run_folder.MAX_NAME, key=f"name_{run.id}")
                asked = st.form_submit_button("Save", type="primary", key=f"save_name_{run.id}")
            if asked:
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
        numbers(run, history, status)
        what_next(run, status)
    with st.container():
        charts(history, status)
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


def resume(run: Run) -> None:
    try:
        jobs.resume(run)
    except (UserError, OSError) as error:
        st.error(plain(str(error)))
        return
    st.rerun()


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
    speed = f"{step.images_per_second:.{1 if step.images_per_second >= 1 else 2}f} images/s"
    return f"epoch {step.epoch}{total} · {speed} · {time_left(step.seconds_left)}"


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
