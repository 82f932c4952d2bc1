"""Machine: the load of the server and its policy."""

import streamlit as st

from core.policy.policy import current_policy
from core.runs import jobs
from core.server import status
from core.system.formatting import percent, plural
from core.system.spreadsheets import inert
from pages.widgets.access import open_to
from pages.widgets.entry import open_page
from pages.widgets.loading import photos_waiting, sessions_open
from pages.widgets.run_labels import STATES
from pages.widgets.wording import plain


def machine_page() -> None:
    st.title("Machine")
    if open_to("machine"):
        state()
        what_is_allowed()


@st.fragment(run_every=3)
def state() -> None:
    seen = status.measure()
    for problem in seen.problems:
        st.error(plain(problem))
    with st.container(horizontal=True):
        st.metric("Device", seen.device, border=True)
        st.metric(f"CPU use, {plural(seen.processors, 'core')}", percent(seen.busy), border=True)
        st.metric("Memory used", f"{seen.memory:.1f} GB", border=True)
        st.metric("Memory free", f"{seen.memory_free:.1f} GB", border=True)
        st.metric("Disk free", f"{seen.disk_free:.0f} GB", border=True)
    with st.container(horizontal=True):
        st.metric("Open pages", sessions_open(), border=True)
        st.metric("Photos queued", photos_waiting(), border=True)
        st.metric("Trainings", seen.training, border=True)
        st.metric("Trainings queued", seen.waiting, border=True)
    rows = [
        {"Run": run.title, "State": STATES[run.status().state][0], "Process": run.status().process}
        for run in jobs.active()
    ]
    if rows:
        st.dataframe(inert(rows), hide_index=True)


def what_is_allowed() -> None:
    policy = current_policy()
    with st.expander("Policy of this server"):
        st.caption("Set in studio.toml; 0 means no limit.")
        st.dataframe(
            inert(
                [
                    {"Setting": name, "Value": str(getattr(policy, name))}
                    for name in policy.__slots__
                    if name != "admins"
                ]
            ),
            hide_index=True,
        )


open_page(machine_page)
