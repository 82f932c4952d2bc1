"""The learning-rate finder: a run in a process of its own, its curve, and a button to use its result."""

import streamlit as st

from core.config import TrainConfig
from core.errors import UserError
from core.runs import jobs, plots
from core.runs.history import History
from core.runs.run_folder import Run
from core.runs.status import LIVE
from pages.widgets.settings import rate_key
from pages.widgets.wording import plain

KEY = "sweep"


def find_rate_button(config: TrainConfig) -> None:
    if st.button(
        "Find a learning rate", icon=":material/search:",
        help="Trains for up to 60 steps at rising rates and shows where the loss falls fastest.",
    ):  # fmt: skip
        try:
            st.session_state[KEY] = jobs.find_rate(config)
        except (UserError, OSError) as error:
            st.error(plain(str(error)))


def rate_search() -> None:
    """The finder that was started here, if any; renewed every second while it runs."""
    run: Run | None = st.session_state.get(KEY)
    if run is None:
        return
    live = run.status().state in LIVE
    st.fragment(_show, run_every=0.9 if live else None)(run, live)


def _show(run: Run, was_live: bool) -> None:
    if KEY not in st.session_state:  # used or closed by a click that has run this fragment alone
        st.rerun()
    if not run.folder.is_dir():
        _close()
        st.rerun()
    status, history = run.status(), History(run).refresh()
    if was_live and status.state not in LIVE:
        jobs.reap()
        st.rerun()
    with st.container(border=True):
        if status.state in LIVE:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.progress(
                    history.fraction_done,
                    "Trying learning rates …" if history.rates else plain(status.message) or "Starting …",
                )
                if st.button("Stop", key="stop_sweep"):
                    jobs.stop(run)
                    st.rerun()
        if status.state in ("failed", "died"):
            st.error(plain(status.message))
        if history.rates:
            rate = history.rate.rate if history.rate else 0.0
            figure = plots.rate_curve(history.rates, rate)
            st.plotly_chart(figure, key="rate_chart", config={"displayModeBar": False})
        if history.rate is not None:
            _proposal(history.rate.rate, run.config.preset)


def _proposal(rate: float, preset: str) -> None:
    if not rate:
        st.warning("The loss did not fall at any rate: check the data, or choose another loss.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(f"Use {rate:g}", type="primary", on_click=_take, args=(rate, preset))
        st.button("Close", on_click=_close)
        st.caption("Where the loss falls fastest. For long trainings a third of it is safer.")


def _take(rate: float, preset: str) -> None:
    st.session_state[rate_key(preset)] = rate
    _close()


def _close() -> None:
    st.session_state.pop(KEY, None)
