"""Which training is watched, and the box that chooses another."""

from pathlib import Path

import streamlit as st

from core.errors import UserError
from core.runs import jobs
from core.runs.run_folder import Run
from core.runs.status import LIVE
from pages.widgets.run_labels import run_label


def select(run_id: str | None) -> None:
    """Watch this run, or none, from now on; the address of the page names it."""
    st.session_state.watched_run = run_id
    if run_id:
        st.query_params["run"] = run_id
    else:
        st.query_params.pop("run", None)


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
