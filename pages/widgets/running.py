"""In the sidebar of every page: what trains now."""

import streamlit as st

from core import jobs
from core.errors import UserError
from core.runs import History
from core.words import duration, plain


def running_now(page: str) -> None:
    """A small panel that keeps itself up to date. It is silent on the Train page, which says more."""
    if page != "Train":
        _panel()


@st.fragment(run_every=2)
def _panel() -> None:
    try:
        active = [(run, run.config.name or run.id) for run in jobs.active()[:3]]
    except UserError as error:
        st.error(plain(str(error)))
        return
    for run, name in active:
        status, history = run.status(), History(run).refresh()
        with st.container(border=True):
            st.caption(f"Training now · {plain(name)}")
            if status.state == "queued":
                st.write("Waiting in line.")
                continue
            left = history.steps[-1].seconds_left if history.steps else None
            text = f"{duration(left)} left" if left is not None else "getting ready"
            st.progress(history.fraction_done, text)
            st.page_link("pages/train.py", label="Watch it", icon=":material/visibility:")
