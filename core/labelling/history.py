"""What was done on each photo: lines of JSON that are only ever added to, each on the disk before it counts.

The state of a photo is what its lines add up to, so a server that is killed loses nothing that it confirmed,
and the next to open the photo continues from there, undo included.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from core.errors import UserError
from core.system.workspace import cannot_write


class Kind(StrEnum):
    """What somebody did. START is the mask that was there before the first change, a proposal or the mask of
    the data set; PREDICTION a mask of a model that replaces what was shown; OBJECT that the next click is on
    another object."""

    START = "start"
    CLICK = "click"
    STROKE = "stroke"
    BOX = "box"
    PAINT = "paint"
    CLEAR = "clear"
    OBJECT = "object"
    PREDICTION = "prediction"
    UNDO = "undo"
    REDO = "redo"
    ACCEPT = "accept"
    SKIP = "skip"
    REOPEN = "reopen"


PROMPTS = frozenset({Kind.CLICK, Kind.STROKE, Kind.BOX})


@dataclass(frozen=True, slots=True)
class Event:
    """One line. `revision` counts the lines of a photo from 1; `tab` is the browser tab that sent it and
    `number` that tab's count of what it sends. `mask`: a mask of this revision was written. `data` is what
    the kind needs: points, the class, what was accepted."""

    revision: int
    kind: Kind
    at: float
    tab: str = ""
    number: int = 0
    mask: bool = False
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """What the lines of a photo add up to.

    `done` are the revisions whose masks lead to the one that is shown, oldest first, and `undone` those that
    redo brings back, the next one last. `sent` is the highest number that each tab has sent. `accepted` is
    the revision whose mask is in the data set, None if that is none of the session's. `decided` are the
    decisions in force, the last of them last.
    """

    revision: int = 0
    done: tuple[Event, ...] = ()
    undone: tuple[Event, ...] = ()
    sent: dict[str, int] = field(default_factory=dict)
    decided: tuple[Event, ...] = ()
    last: Event | None = None

    @property
    def shown(self) -> int | None:
        """The revision of the mask that is shown; None before the first change."""
        return self.done[-1].revision if self.done else None

    @property
    def can_undo(self) -> bool:
        return len(self.done) > 1  # the first is the mask that was there before

    @property
    def decision(self) -> Event | None:
        """ACCEPT or SKIP, if that holds."""
        return self.decided[-1] if self.decided else None

    @property
    def accepted(self) -> int | None:
        decision = self.decision
        return int(decision.data["shown"]) if decision and decision.kind is Kind.ACCEPT else None

    @property
    def is_changed(self) -> bool:
        """Whether something was drawn since it was accepted, or without that."""
        return self.can_undo and self.shown != self.accepted

    def after(self, event: Event) -> "State":
        """The state when this is done too."""
        sent = (
            {**self.sent, event.tab: max(event.number, self.sent.get(event.tab, 0))}
            if event.tab
            else self.sent
        )
        new = replace(self, revision=event.revision, sent=sent, last=event)
        match event.kind:
            case Kind.UNDO:
                if not self.can_undo:
                    return new
                return replace(new, done=self.done[:-1], undone=(*self.undone, self.done[-1]))
            case Kind.REDO:
                if not self.undone:
                    return new
                return replace(new, done=(*self.done, self.undone[-1]), undone=self.undone[:-1])
            case Kind.ACCEPT | Kind.SKIP:
                return replace(new, decided=(*self.decided, event))
            case Kind.REOPEN:
                return replace(new, decided=self.decided[:-1])
            case _:
                return replace(new, done=(*self.done, event), undone=())


def folded(events: Iterable[Event]) -> State:
    state = State()
    for event in events:
        state = state.after(event)
    return state


def append(path: Path, event: Event) -> None:
    """Add a line, and return when it is on the disk. Raises UserError if it cannot be written.

    What a killed writer left of its last line is cut off first: it was never confirmed.
    """
    line = json.dumps({**asdict(event), "data": event.data}, ensure_ascii=False, separators=(",", ":")) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a+b") as file:
            whole = _whole_lines(file.seek(0, os.SEEK_END), path)
            if whole is not None:
                file.truncate(whole)
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise cannot_write(path, error) from error


def _whole_lines(size: int, path: Path) -> int | None:
    """How many bytes of the file are whole lines; None where all are."""
    if not size:
        return None
    with open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        if file.read(1) == b"\n":
            return None
        file.seek(0)
        return file.read().rfind(b"\n") + 1


def read(path: Path) -> list[Event]:
    """The lines of a photo, without a last one that is not whole; [] where there are none.

    Raises UserError, naming the file, if a line cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UserError(f"{path.name} in {path.parent} cannot be read: {error.strerror}.") from error
    lines = content[: content.rfind(b"\n") + 1].splitlines()
    try:
        return [_event(json.loads(line)) for line in lines if line.strip()]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path.name} in {path.parent} is damaged ({error}): put a copy of it back, or delete it, and "
            "the photo starts from the mask that it has."
        ) from error


def _event(values: dict[str, Any]) -> Event:
    return Event(
        int(values["revision"]), Kind(values["kind"]), float(values["at"]), str(values.get("tab", "")),
        int(values.get("number", 0)), bool(values.get("mask", False)), dict(values.get("data", {})),
    )  # fmt: skip
