"""Train: choose data, encoder and preset, start, and watch the run."""

import streamlit as st

from core.config import TrainConfig
from core.errors import UserError
from core.runs import jobs, run_folder
from core.search import search_folder
from pages.train_parts.searches import shows_searches, watch_searches
from pages.train_parts.selection import select, selected_run
from pages.train_parts.starting import TRAININGS, VIEW, search_button, sweep_button
from pages.train_parts.watching import watch
from pages.widgets.access import open_to
from pages.widgets.entry import open_page
from pages.widgets.rate_search import find_rate_button, rate_search
from pages.widgets.scroll_here import scroll_here
from pages.widgets.settings import choose_config, plan_of
from pages.widgets.wording import plain

NEXT_VIEW = "next_train_view"


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


open_page(train_page)
