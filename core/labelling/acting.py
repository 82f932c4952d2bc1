"""What is done on the photos of a session: drawn, undone, accepted, skipped, reopened.

Everything is written down before it is confirmed. Two tabs on one photo work on the same mask: what each of
them draws changes the pixels that it touches, and each shows that the other is open.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.dataset import open_data, write_down
from core.data.painting import Waiting
from core.errors import NotWrittenError, UserError, system_said
from core.imaging.rendering import encode
from core.labelling import history
from core.labelling.actions import Action, prompt_of
from core.labelling.history import PROMPTS, Event, Kind, State
from core.labelling.prompts import Prompt
from core.labelling.session import LabelSession, require_readable
from core.labelling.storage import Proposal
from core.policy.permissions import needs
from core.system.workspace import write_atomically

Ids = NDArray[np.uint8]
RECENT = 20  # decisions that are listed to be undone


@dataclass(frozen=True, slots=True)
class Asked:
    """What a mask is wanted for: a photo of the session, the ids now, the ids when the object was begun, the
    prompts on it so far, the last one the newest, and the class. `is_new`: somebody said that it is another
    object than those of its class before. `others` are the clicks and strokes of other classes."""

    name: str
    ids: Ids
    before: Ids
    prompts: tuple[Prompt, ...]
    label: int
    is_new: bool = False
    others: tuple[Prompt, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """`answered` is the highest number of the tab that was dealt with. `others`: another tab has changed the
    photo since the tab saw it last. `refused`: why something was not done, "" if all was."""

    revision: int
    answered: int
    others: bool = False
    refused: str = ""
    is_decided: bool = False


Answerer = Callable[[Asked], Ids]


@needs("change")
def act(
    session: LabelSession, name: str, tab: str, seen: int, actions: Sequence[Action], answer: Answerer
) -> Answer:
    """Do what a tab has sent, in order; what was done before is not done again.

    `seen` is the revision of the photo that the tab knows. `answer` makes a mask of clicks, strokes, boxes.
    Where the disk takes nothing more, the rest is not answered, so that the tab keeps it and sends it again.
    """
    require_readable(session, name)
    with session.turn(name):
        state = session.state(name)
        others = _others(session, name, tab, seen)
        refused, decided = "", False
        answered = state.sent.get(tab, 0)
        for action in sorted(actions, key=lambda one: one.number):
            if action.number <= answered:
                continue
            try:
                if action.kind is Kind.ACCEPT and others:
                    raise UserError(f"{name} was changed in another tab: look at it again, then accept it.")
                _do(session, name, tab, action, answer)
                decided = decided or action.kind in (Kind.ACCEPT, Kind.SKIP)
            except NotWrittenError as error:
                refused = str(error)
                break
            except UserError as error:
                refused = str(error)
            answered = action.number
        return Answer(session.state(name).revision, answered, others, refused, decided)


def _others(session: LabelSession, name: str, tab: str, seen: int) -> bool:
    """Whether another tab has changed the photo after the revision that this one has seen."""
    if session.state(name).revision == seen:
        return False
    return any(e.tab not in ("", tab) for e in session.storage.events(name) if e.revision > seen)


def _do(session: LabelSession, name: str, tab: str, action: Action, answer: Answerer) -> None:
    match action.kind:
        case Kind.UNDO | Kind.REDO:
            _log(session, name, action.kind, tab, action.number)
        case Kind.ACCEPT:
            _accept(session, name, tab, action.number)
        case Kind.SKIP:
            if not session.photo(name).is_done:
                _log(session, name, Kind.SKIP, tab, action.number)
        case _:
            _begin(session, name)
            ids = session.shown_mask(name)
            _change(session, name, _changed(session, name, ids, action, answer), action, tab)


def _changed(session: LabelSession, name: str, ids: Ids, action: Action, answer: Answerer) -> Ids:
    if action.patch is not None:
        return action.patch.on(ids)
    if action.prompt is not None:
        begun, prompts = _object(session.state(name), action.label)
        before = session.storage.draft(name, begun.revision)
        others = _of_other_classes(session.state(name), action.label)
        is_new = begun.kind is Kind.OBJECT
        return answer(Asked(name, ids, before, (*prompts, action.prompt), action.label, is_new, others))
    return np.zeros_like(ids) if action.kind is Kind.CLEAR else ids


def _of_other_classes(state: State, label: int) -> tuple[Prompt, ...]:
    """What was marked on the photo as another class, and so is none of this one."""
    return tuple(
        prompt_of(event.kind, event.data)
        for event in state.done
        if event.kind in (Kind.CLICK, Kind.STROKE)
        and event.data.get("positive")
        and event.data.get("label") != label
    )


def _object(state: State, label: int) -> tuple[Event, tuple[Prompt, ...]]:
    """What was done before the object was begun that is being clicked now, and the prompts on it so far: the
    last ones of this class without anything else between them."""
    done = state.done
    start = len(done)
    while start > 1 and done[start - 1].kind in PROMPTS and done[start - 1].data.get("label") == label:
        start -= 1
    prompts = tuple(prompt_of(event.kind, event.data) for event in done[start:])
    return done[start - 1], prompts


def marks(session: LabelSession, name: str) -> list[dict[str, Any]]:
    """The clicks, strokes and boxes since anything else was done, for the canvas to show."""
    found: list[dict[str, Any]] = []
    for event in reversed(session.state(name).done):
        if event.kind not in PROMPTS:
            break
        found.insert(0, {"kind": str(event.kind), **event.data})
    return found


def _begin(session: LabelSession, name: str) -> None:
    """Write down the mask that a photo has before the first change, so that undo comes back to it."""
    if not session.state(name).done:
        ids = session.first_mask(name)
        proposal = session.proposal(name)
        source = "data set" if session.photo(name).is_done else proposal.source if proposal else ""
        _log(session, name, Kind.START, data={"source": source}, ids=ids)


def _change(session: LabelSession, name: str, ids: Ids, action: Action, tab: str) -> None:
    _log(session, name, action.kind, tab, action.number, action.data, ids)


def _log(
    session: LabelSession, name: str, kind: Kind, tab: str = "", number: int = 0,
    data: dict[str, Any] | None = None, ids: Ids | None = None,
) -> None:  # fmt: skip
    """The mask first, then the line that names it: a line never names a mask that is not there."""
    revision = session.state(name).revision + 1
    if ids is not None:
        session.storage.write_draft(name, revision, ids)
    event = Event(revision, kind, time.time(), tab, number, ids is not None, data or {})
    history.append(session.storage.history_file(name), event)


def _accept(session: LabelSession, name: str, tab: str = "", number: int = 0) -> None:
    """Put the mask that is shown into the data set."""
    _begin(session, name)
    waiting, state = session.photo(name), session.state(name)
    shown = state.shown
    assert shown is not None
    if waiting.is_done and state.accepted is None and not _is_half_accepted(session, waiting, state):
        session.storage.keep_original(waiting.mask)
    _write_mask(session, name, shown)
    _log(session, name, Kind.ACCEPT, tab, number, {"shown": shown})
    _keep_split(session)


def _is_half_accepted(session: LabelSession, waiting: Waiting, state: State) -> bool:
    """Whether the mask in the data set is the session's own: it was written, and then the server was killed
    or the disk full before that was written down."""
    if state.done[0].data.get("source") == "data set":
        return False
    ids = session.shown_mask(waiting.name)
    return waiting.mask.read_bytes() == encode(session.scheme.values(ids))


def _write_mask(session: LabelSession, name: str, revision: int) -> None:
    waiting = session.photo(name)
    target = waiting.mask.with_suffix(".png")
    write_atomically(target, encode(session.scheme.values(session.storage.draft(name, revision))))
    if waiting.is_done and waiting.mask != target:
        waiting.mask.unlink(missing_ok=True)
    session.list_again()


def _keep_split(session: LabelSession) -> None:
    if sum(waiting.is_done for waiting in session.photos().values()) >= 2:
        write_down(open_data(session.folder))


@needs("change")
def reopen(session: LabelSession, name: str) -> None:
    """Undo the last decision on a photo: its mask leaves the data set, or becomes the one before again; what
    was drawn stays. Raises UserError where nothing was decided."""
    with session.turn(name):
        state = session.state(name)
        decision = state.decision
        if decision is None:
            raise UserError(f"{name} was neither accepted nor skipped in this session.")
        if decision.kind is Kind.ACCEPT:
            _take_out(session, name, state)
        _log(session, name, Kind.REOPEN)


def _take_out(session: LabelSession, name: str, state: State) -> None:
    earlier = state.decided[-2] if len(state.decided) > 1 else None
    if earlier is not None and earlier.kind is Kind.ACCEPT:
        _write_mask(session, name, int(earlier.data["shown"]))
        return
    mask = session.photo(name).mask
    original = session.storage.original(mask.stem)
    try:
        if original is not None:
            write_atomically(mask.with_name(original.name), original.read_bytes())
        if original is None or original.name != mask.name:
            mask.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"The mask of {name} cannot be taken out: {system_said(error)}.") from error
    session.list_again()


def decisions(session: LabelSession) -> list[tuple[str, Event]]:
    """The latest decisions of the session that can be undone, newest first: photo and event."""
    decided = ((name, session.known_state(name).decision) for name in session.photos())
    found = [(name, decision) for name, decision in decided if decision is not None]
    return sorted(found, key=lambda one: one[1].at, reverse=True)[:RECENT]


@needs("change")
def propose(session: LabelSession, name: str, ids: Ids, source: str, uncertainty: float = 0.0) -> bool:
    """Keep a proposed mask of a photo, which replaces an earlier one. False, and nothing is kept, where
    somebody has drawn on it or the data set has its mask."""
    with session.turn(name):
        if session.photo(name).is_done or session.state(name).done:
            return False
        proposal = Proposal(source, uncertainty)
        session.storage.write_proposal(name, ids, proposal)
        session.know_proposal(name, proposal)
        return True


@needs("change")
def correct(session: LabelSession, name: str, ids: Ids, source: str) -> None:
    """Show a model's prediction in place of a photo's mask, to be corrected; undo brings the mask back, and
    the data set keeps it until the correction is accepted."""
    require_readable(session, name)
    with session.turn(name):
        _begin(session, name)
        _log(session, name, Kind.PREDICTION, data={"source": source}, ids=ids)
