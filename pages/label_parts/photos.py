"""The photos of a session: how far they are, which comes next, and all of them with their masks."""

from pathlib import Path

import streamlit as st

from core.errors import UserError
from core.labelling import acting
from core.labelling.history import Kind
from core.labelling.ordering import Order, left, progress
from core.labelling.pictures import small_picture
from core.labelling.session import LabelSession, PhotoState, Status, open_session
from core.system.formatting import plural
from pages.label_parts.training import train_on_these
from pages.label_parts.view import View, go_to, session_or_why, view_of
from pages.widgets.picture_grid import Cell, picture_grid
from pages.widgets.wording import plain

STRIP, STRIP_SIDE = 6, 200
PER_PAGE, GALLERY_SIDE = 24, 320
MARKS = {
    Status.UNLABELLED: "no mask yet", Status.PROPOSED: "proposed", Status.ACCEPTED: "accepted",
    Status.SKIPPED: "skipped",
}  # fmt: skip


def side_panel(session: LabelSession, view: View) -> None:
    """Beside the canvas: progress, the order, the photos that come next, what was decided."""
    photos = session.statuses()
    by_name = {photo.name: photo for photo in photos}
    shown = by_name[view.photo]
    done = sum(photo.status in (Status.ACCEPTED, Status.SKIPPED) for photo in photos)
    # A container each: what appears in one never moves, or for a moment doubles, the next.
    with st.container():
        st.progress(done / len(photos), progress(photos))
    with st.container():
        st.markdown(f"**{plain(view.photo)}** · {described(shown)}")
    with st.container():
        if view.reason:
            st.caption(view.reason)
    with st.container():
        view.order = Order(
            st.selectbox(
                "Order", [str(order) for order in Order], key="label_order", label_visibility="collapsed"
            )
        )
    with st.container():
        upcoming(session, view, photos)
    with st.container():
        train_on_these(session, photos)
    with st.container():
        history(session)


def described(photo: PhotoState) -> str:
    """A photo's status in a few words."""
    if photo.is_changed:
        return "accepted, changed since"
    if photo.status is Status.PROPOSED:
        return "drawn, not accepted" if photo.is_touched else f"proposed by {plain(photo.source)}"
    return MARKS[photo.status]


def upcoming(session: LabelSession, view: View, photos: list[PhotoState]) -> None:
    """Small pictures of those that come next; they follow the proposals while these are being made."""
    from core.labelling.proposing import proposer_of  # imports torch

    work = proposer_of(session).work
    rank = {one.name: place for place, one in enumerate(work.ranked)}
    waiting = [photo for photo in left(photos) if photo.name != view.photo]
    if view.order is Order.HELPFUL and rank:
        waiting.sort(key=lambda photo: rank.get(photo.name, len(rank)))
    strip(session.folder, [photo.name for photo in waiting[:STRIP]], work.is_busy)


def strip(folder: Path, names: list[str], is_busy: bool) -> None:
    st.fragment(_strip, run_every=2.0 if is_busy else None)(folder, names)


def _strip(folder: Path, names: list[str]) -> None:
    from core.labelling.proposing import proposer_of

    session = session_or_why(folder)
    if session is None:
        return
    work = proposer_of(session).work
    if work.problem:
        st.warning(plain(work.problem))
    if work.is_busy:
        st.caption(f"Proposals: {work.done:,} of {plural(work.total, 'photo')}")
    known = [session.status(name) for name in names if name in session.photos()]
    picture_grid(cells_of(session, known, STRIP_SIDE, short=True), "label_strip", open_photo, least=110)


def cells_of(session: LabelSession, photos: list[PhotoState], side: int, short: bool = False) -> list[Cell]:
    cells = []
    for photo in photos:
        version = session.version(photo.name)
        try:
            picture = picture_of(str(session.folder), photo.name, side, version, repr(session.scheme.classes))
        except UserError:
            picture = ""
        cells.append(Cell(photo.name, picture, photo.name, "" if short else described(photo)))
    return cells


@st.cache_data(max_entries=2000, show_spinner=False)
def picture_of(folder: str, name: str, side: int, version: str, classes: str) -> str:
    """Kept while neither the mask nor the classes change."""
    return small_picture(open_session(Path(folder)), name, side)


def open_photo(name: str) -> None:
    """Show a photo on the canvas."""
    view: View | None = st.session_state.get("label_view")
    if view is not None:
        go_to(view, name)
        st.session_state.label_section = "Label"


def history(session: LabelSession) -> None:
    """The latest decisions, each with a way to undo it."""
    decided = acting.decisions(session)
    if not decided:
        return
    with st.expander("Latest decisions", icon=":material/history:"):
        for name, event in decided:
            with st.container(horizontal=True, vertical_alignment="center"):
                words = "accepted" if event.kind is Kind.ACCEPT else "skipped"
                st.caption(f"{plain(name)} {words}", width="stretch")
                if st.button(
                    "Undo", key=f"reopen_{name}", type="tertiary", help=f"Undo this for {plain(name)}."
                ):
                    reopen(session, name)


def reopen(session: LabelSession, name: str) -> None:
    try:
        acting.reopen(session, name)
    except UserError as error:
        st.error(plain(str(error)))
        return
    go_to(view_of(session), name, "Reopened: what was drawn is still here.")
    st.rerun()


@st.fragment
def gallery(folder: Path) -> None:
    """All photos with their masks and proposals."""
    session = session_or_why(folder)
    if session is None:
        return
    photos = session.statuses()
    wanted = st.pills(
        "Show", [status.value for status in Status], selection_mode="multi", key="label_filter",
        format_func=str.capitalize, label_visibility="collapsed",
    )  # fmt: skip
    st.caption(progress(photos))
    chosen = [photo for photo in photos if not wanted or photo.status.value in wanted]
    if not chosen:
        st.info("No photo has this status.")
        return
    pages = -(-len(chosen) // PER_PAGE)
    page = min(st.session_state.get("label_page", 1), pages)
    shown = chosen[(page - 1) * PER_PAGE : page * PER_PAGE]
    picture_grid(cells_of(session, shown, GALLERY_SIDE), "label_gallery", open_photo)
    if st.session_state.label_section == "Label":  # one of them was opened
        st.rerun()
    if pages > 1:
        st.pagination(pages, key="label_page")
