"""The photo to label, and what is done on it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from core.data import painting
from core.data.painting import Waiting
from core.data.photos import photo_size
from core.errors import NotWrittenError, UserError
from core.imaging import rendering
from core.labelling import acting
from core.labelling.actions import action_from, png_url
from core.labelling.history import PROMPTS, Kind
from core.labelling.scheme import as_dict
from core.labelling.session import LabelSession, open_session
from core.policy.disclosure import for_visitor
from pages.label_parts.photos import side_panel
from pages.label_parts.view import View, advance, go_to, session_named, session_or_why, step, view_of
from pages.widgets.label_canvas import Sent, Shown, label_canvas, label_photo
from pages.widgets.loading import predictor_of
from pages.widgets.wording import plain

CANVAS = "label_canvas"
LONG_SIDE = 1600  # pixels of the photo that is shown; the mask has the photo's own size
OTHERS = "Also changed in another tab: both are kept."


@st.fragment
def canvas(folder: Path) -> None:
    """The canvas beside the list of photos. It alone runs again when something is done on it."""
    session = session_or_why(folder)
    if session is None:
        return
    view = view_of(session)
    left, right = st.columns([7, 2], gap="medium")
    with left:
        show(session, view)
    with right:
        side_panel(session, view)


def show(session: LabelSession, view: View) -> None:
    """The canvas, or why this photo cannot be labelled."""
    from core.labelling import proposing

    name = view.photo
    try:
        correct(session, view)
        waiting = session.photo(name)
        picture = picture_of(waiting)
        size = photo_size(waiting.photo)
        state = session.state(name)
        mask = png_url(session.shown_png(name))
    except UserError as error:
        st.error(plain(str(error)))
        if st.button("Go to the next photo", icon=":material/skip_next:"):
            advance(session, view)
            st.rerun()
        return
    proposing.warm(session, name)
    label_canvas(
        Shown(
            view.photo_id, size, mask, state.revision, session.version(name), as_dict(session.scheme),
            acting.marks(session, name), view.answered, state.can_undo, bool(state.undone), view.notice,
        ),
        CANVAS,
        receive,
    )  # fmt: skip
    label_photo(view.photo_id, picture)


def picture_of(waiting: Waiting) -> str:
    """A photo for the canvas, kept while its file is the same."""
    return _picture(str(waiting.photo), waiting.photo.stat().st_mtime_ns, waiting)


@st.cache_data(max_entries=40, show_spinner=False)
def _picture(path: str, changed: int, _waiting: Waiting) -> str:
    photo = painting.photo_to_paint(_waiting, LONG_SIDE)
    return rendering.data_url(rendering.display_size(photo, LONG_SIDE))


def receive(sent: Sent) -> None:
    """Do what the canvas has sent. Runs before the page does."""
    view: View | None = st.session_state.get("label_view")
    if view is None:
        return
    if sent.at == view.received_at:  # Streamlit may deliver a message twice
        return
    view.received_at = sent.at
    for photo_id, actions in sent.actions:
        known = view.answered.get(photo_id, 0)
        fresh = [action for action in actions if int(action.get("number", 0)) > known]
        if not fresh:  # sent again because the answer was late
            continue
        folder, _, name = photo_id.partition("/")
        try:
            do(session_named(folder), name, sent, fresh, view)
        except NotWrittenError as error:  # the canvas keeps it, and sends it again
            view.notice = for_visitor(str(error))
        except (UserError, OSError) as error:
            view.notice = for_visitor(str(error))
            # Confirmed all the same: what cannot be done would be sent again for ever.
            view.answered[photo_id] = max(int(action.get("number", 0)) for action in fresh)
    if sent.go and sent.photo_id == view.photo_id:
        view.notice = ""
        step(open_session(view.folder), view, -1 if sent.go == "previous" else 1)


def do(session: LabelSession, name: str, sent: Sent, raw: Sequence[Mapping[str, Any]], view: View) -> None:
    from core.labelling import proposing
    from core.labelling.answers import answer_in

    photo_id = f"{session.folder.name}/{name}"
    actions = [action_from(action, len(session.scheme.classes)) for action in raw]
    seen = sent.seen if photo_id == sent.photo_id else session.state(name).revision
    answer = acting.act(session, name, sent.tab, seen, actions, answer_in(session))
    view.answered[photo_id] = answer.answered
    view.notice = for_visitor(answer.refused) or (OTHERS if answer.others else "")
    if any(action.kind in PROMPTS or action.kind is Kind.ACCEPT for action in actions):
        proposing.learn(session)
    if answer.is_decided and photo_id == view.photo_id:
        if view.queue and view.queue[0][0] == name:
            view.queue.popleft()
        advance(session, view)


def correct(session: LabelSession, view: View) -> None:
    """Start from a model's prediction where Compare has sent the photo here."""
    from core.labelling.models import labels_by
    from core.models import registry

    if not view.queue or view.queue[0][0] != view.photo or not view.queue[0][1]:
        return
    name, model = view.queue[0]
    view.queue[0] = name, ""  # once
    go_to(view, name, view.reason)  # the address names it, so that a reload shows it again
    entry = next((entry for entry in registry.list_models() if str(entry.folder) == model), None)
    if entry is None:
        return
    ids = labels_by(predictor_of(entry), session.scheme)(painting.photo_to_paint(session.photo(name)))
    acting.correct(session, name, ids, entry.card.name)
