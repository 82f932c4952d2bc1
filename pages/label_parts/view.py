"""Which photo a tab shows, and what it has sent, across the reruns of the page."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from core.data import library
from core.errors import UserError
from core.labelling.ordering import Order, next_photo
from core.labelling.session import LabelSession, open_session
from core.models.registry import Entry
from core.system.formatting import plural
from pages.widgets.choices import select_dataset
from pages.widgets.wording import plain

VIEW = "label_view"


@dataclass(slots=True)
class View:
    """`answered` is the highest number that was confirmed to the tab, by photo, and `received_at` when it
    was sent; `reason` why this photo comes
    now; `queue` are photos to correct first, each with the folder of the model to start from."""

    folder: Path
    photo: str = ""
    reason: str = ""
    order: Order = Order.HELPFUL
    answered: dict[str, int] = field(default_factory=dict)
    notice: str = ""
    received_at: int = 0
    queue: deque[tuple[str, str]] = field(default_factory=deque)

    @property
    def photo_id(self) -> str:
        return f"{self.folder.name}/{self.photo}"


def view_of(session: LabelSession) -> View:
    """The view of this tab on a session; the first photo to label, unless the address names another."""
    view: View | None = st.session_state.get(VIEW)
    if view is None or view.folder != session.folder:
        named = st.query_params.get("photo", "")
        view = st.session_state[VIEW] = View(session.folder, named if named in session.photos() else "")
    if view.photo not in session.photos():
        advance(session, view)
    return view


def go_to(view: View, name: str, reason: str = "") -> None:
    view.photo, view.reason = name, reason
    st.query_params["data"], st.query_params["photo"] = view.folder.name, name


def advance(session: LabelSession, view: View) -> None:
    """To the next of the photos to correct, else to the one that the order says."""
    from core.labelling.proposing import proposer_of  # imports torch

    if view.queue:
        name, _ = view.queue[0]
        go_to(view, name, reason_of(view.queue))
        return
    ranked = proposer_of(session).work.ranked
    found = next_photo(session.statuses(), view.order, view.photo, ranked)
    go_to(view, found.name or view.photo or next(iter(session.photos())), found.reason)


def step(session: LabelSession, view: View, by: int) -> None:
    """To the photo before or after by name."""
    names = list(session.photos())
    place = min(max(names.index(view.photo) + by, 0), len(names) - 1)
    go_to(view, names[place])


def correct_in_label(folder: Path, names: Sequence[str], entry: Entry) -> None:
    """Open the Label page on these photos, each with the model's prediction to start from."""
    select_dataset(folder)
    queue = deque((name, str(entry.folder)) for name in names)
    st.session_state[VIEW] = View(folder.resolve(), names[0], reason_of(queue), queue=queue)
    st.session_state.label_section = "Label"
    st.switch_page("pages/label.py")


def reason_of(queue: Sequence[tuple[str, str]]) -> str:
    return f"{plural(len(queue), 'photo')} to correct from Compare."


def session_or_why(folder: Path) -> LabelSession | None:
    """The session of a data set; None, with the reason, where it cannot be labelled, or not any more."""
    try:
        return open_session(folder)
    except UserError as error:
        st.info(plain(str(error)))
        return None


def session_named(name: str) -> LabelSession:
    """The session of a data set's folder of this name. Raises UserError where there is none."""
    for folder in library.list_datasets():
        if folder.name == name:
            return open_session(folder)
    raise UserError(f"The data set {name} is not there any more: reload the page.")
