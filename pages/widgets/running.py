"""What is training now, in the sidebar of every page."""

from dataclasses import dataclass

import streamlit as st

from core.errors import UserError
from core.runs import jobs
from core.runs.history import History
from core.system.formatting import time_left
from pages.widgets.wording import plain


def running_now(page: str) -> None:
    """A small panel that updates itself; absent on the Train page, which shows more."""
    if page != "Train":
        _panel()


@dataclass(frozen=True)
class Training:
    """A training as the panel shows it; `share` is None while it is queued."""

    name: str
    share: float | None
    progress: str


@st.cache_data(ttl=1.5, show_spinner=False)
def trainings() -> list[Training]:
    """Read once for all open pages."""
    found = []
    for run in jobs.active()[:3]:
        name = run.title
        if run.status().state == "queued":
            found.append(Training(name, None, "Queued"))
            continue
        history = History(run).refresh()
        left = history.steps[-1].seconds_left if history.steps else None
        text = time_left(left) if left is not None else "getting ready"
        found.append(Training(name, history.fraction_done, text))
    return found


@st.fragment(run_every=2)
def _panel() -> None:
    try:
        found = trainings()
    except UserError as error:
        st.error(plain(str(error)))
        return
    for training in found:
        with st.container(border=True):
            if training.share is None:
                st.caption(f"{training.progress} · {plain(training.name)}")
                continue
            st.caption(f"Training now · {plain(training.name)}")
            st.progress(training.share, training.progress)
            st.page_link("pages/train.py", label="Watch it", icon=":material/visibility:")
