"""In the sidebar of every page: what trains now."""

from dataclasses import dataclass

import streamlit as st

from core.errors import UserError
from core.runs import jobs
from core.runs.run_folder import History
from core.system.formatting import duration
from pages.widgets.wording import plain


def running_now(page: str) -> None:
    """A small panel that keeps itself up to date. It is silent on the Train page, which says more."""
    if page != "Train":
        _panel()


@dataclass(frozen=True)
class Training:
    """What the panel says of a training; `share` is None while it waits in line."""

    name: str
    share: float | None
    told: str


@st.cache_data(ttl=1.5, show_spinner=False)
def trainings() -> list[Training]:
    """Read once for all open pages."""
    found = []
    for run in jobs.active()[:3]:
        name = run.title
        if run.status().state == "queued":
            found.append(Training(name, None, "Waiting in line."))
            continue
        history = History(run).refresh()
        left = history.steps[-1].seconds_left if history.steps else None
        text = f"{duration(left)} left" if left is not None else "getting ready"
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
            st.caption(f"Training now · {plain(training.name)}")
            if training.share is None:
                st.write(training.told)
                continue
            st.progress(training.share, training.told)
            st.page_link("pages/train.py", label="Watch it", icon=":material/visibility:")
