"""A running search: its trials, the best so far, what mattered, and what it was worth."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.errors import UserError
from core.models.encoder_catalogue import short_name
from core.policy.disclosure import for_visitor
from core.policy.permissions import allowed
from core.runs import jobs as run_jobs
from core.runs.status import LIVE
from core.search import jobs, plots, search_folder
from core.search.board import Board, Phase, Row
from core.search.search_folder import Search
from core.system.formatting import duration
from core.system.score_names import DICE_MEAN, SCORE_FORMAT, score
from core.system.spreadsheets import inert
from pages.train_parts.starting import SEARCHES, TRAININGS, VIEW
from pages.widgets.chart import chart
from pages.widgets.run_labels import STATES, run_label
from pages.widgets.wording import cut, plain

REFRESH_SECONDS = 2
WATCHED = "watched_search"


def shows_searches(searches: list[Search]) -> bool:
    """A choice between trainings and searches, which begins with a search that is running."""
    live = any(search.is_live for search in searches) and "run" not in st.query_params
    st.session_state.setdefault(VIEW, SEARCHES if live else TRAININGS)
    view = st.segmented_control(
        "Show", [TRAININGS, SEARCHES], required=True, key=VIEW, label_visibility="collapsed"
    )
    return view == SEARCHES


def watch_searches(searches: list[Search], open_run: Callable[[str], None]) -> None:
    """The search that is chosen, the newest at first. `open_run` shows one of its trainings."""
    by_id = {search.id: search for search in searches}
    if st.session_state.get(WATCHED) not in by_id:
        st.session_state[WATCHED] = searches[0].id
    if len(searches) > 1:
        st.session_state[WATCHED] = st.selectbox(
            "Search", list(by_id), list(by_id).index(st.session_state[WATCHED]),
            format_func=lambda search_id: run_label(by_id[search_id].run),
        )  # fmt: skip
    search = by_id[st.session_state[WATCHED]]
    shown, whole = cut(search.run.title, 60)
    st.subheader(shown, anchor=False, help=whole)
    live = search.is_live
    st.fragment(_watch, run_every=REFRESH_SECONDS if live else None)(search.id, live, open_run)


def _watch(search_id: str, was_live: bool, open_run: Callable[[str], None]) -> None:
    search = search_folder.find(search_id)
    if search is None:
        st.warning("The folder of this search is gone.")
        return
    if was_live and not search.is_live:
        run_jobs.reap()
        st.rerun()
    board = search.board
    with st.container():
        _headline(search, board)
    with st.container():
        _verdict(board, open_run)
    with st.container():
        _charts(board)
    with st.container():
        _leaderboard(board, open_run)
    if search.run.is_open:
        with st.expander("Log"):
            st.code(search.run.log or "Nothing yet.", language=None, height=220)


def _headline(search: Search, board: Board) -> None:
    status = search.run.status()
    label, colour = STATES[status.state]
    if status.state == "running":
        label = "Searching"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(label, color=colour)  # type: ignore[arg-type]
        st.progress(board.fraction_done, _progress_text(search, board))
        may_change = run_jobs.may_change(search.run)
        if (
            status.state in LIVE
            and may_change
            and st.button("Stop", icon=":material/stop:", key="stop_search")
        ):
            with st.spinner("Stopping …"):
                _carefully(jobs.stop, search)
        resumes = search.can_resume and may_change and allowed("train")
        if resumes and st.button(
            "Resume", icon=":material/resume:", key="resume_search", help="Continue with the same trial."
        ):
            _carefully(jobs.resume, search)
    if status.state in ("failed", "died"):
        st.error(plain(status.message))


def _carefully(work: Callable[[Search], None], search: Search) -> None:
    try:
        work(search)
    except (UserError, OSError) as error:
        st.error(plain(str(error)))
        return
    st.rerun()


def _progress_text(search: Search, board: Board) -> str:
    if board.phase is Phase.DONE:
        return f"{len(board.rows)} trials in {duration(board.seconds)}"
    if not search.is_live:
        return f"ended after {duration(board.seconds)}"
    left = f" · {duration(board.seconds_left)} left" if board.seconds_left else ""
    return f"{plain(board.message) or 'Starting …'}{left}"


def _verdict(board: Board, open_run: Callable[[str], None]) -> None:
    """What the winner scores on photos that the search never saw, and what the search was worth."""
    found = board.verdict
    if found is None:
        return
    quiet: dict[str, Any] = {"border": True, "delta_color": "off", "delta_arrow": "off"}
    with st.container(horizontal=True):
        st.metric(f"Test: {DICE_MEAN}", score(found.dice), found.range_text, **quiet)
        st.metric(
            "Gain from the search", f"{found.difference:+.4f}", found.difference_text, **quiet,
            help="The winner's Dice minus that of the first settings, which were trained as long. Both are "
            "scored on the same test photos.",
        )  # fmt: skip
    st.info(plain(found.sentence))
    if st.button("Open the winner", type="primary", icon=":material/emoji_events:", key="open_winner"):
        open_run(found.winner)


def _charts(board: Board) -> None:
    if not any(row.dice is not None for row in board.rows):
        return
    left, right = st.columns(2)
    with left:
        chart(plots.best_so_far(board.rows), "search_chart")
    with right:
        if board.importance:
            chart(plots.what_mattered(board.importance), "importance_chart")
        else:
            st.caption("What mattered is shown once eight trials have a score.")


def _leaderboard(board: Board, open_run: Callable[[str], None]) -> None:
    if not board.rows:
        return
    ranked = board.ranked
    event: Any = st.dataframe(
        inert([_cells(row) for row in ranked]), hide_index=True, placeholder=" ", key="search_board",
        on_select="rerun", selection_mode="single-row",
        column_config={
            DICE_MEAN: st.column_config.NumberColumn(
                format=SCORE_FORMAT, help="Of validation photos at their own size, best model so far."
            ),
            "Trained": st.column_config.ProgressColumn(format="percent", min_value=0.0, max_value=1.0),
        },
    )  # fmt: skip
    chosen = [ranked[i] for i in event.selection.rows if i < len(ranked) and ranked[i].run]
    if chosen and st.button(
        f"Watch trial {chosen[0].number + 1}", icon=":material/visibility:", key="open_trial"
    ):
        open_run(chosen[0].run)
    elif not chosen:
        st.caption("Choose a row to watch its training.")


def _cells(row: Row) -> dict[str, Any]:
    values = {plots.label(name): _value(name, value) for name, value in row.values.items()}
    return {
        "Trial": row.number + 1, DICE_MEAN: row.dice, "State": row.state.value, **values,
        "Trained": row.share, "Time": duration(row.seconds), "Note": for_visitor(row.message),
    }  # fmt: skip


def _value(name: str, value: Any) -> Any:
    if name == "encoder":
        return short_name(str(value))
    return float(f"{value:.2g}") if isinstance(value, float) else value
