"""Sessions on drawn photos, and what a tab would send."""

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.imaging.rendering import encode
from core.labelling import acting
from core.labelling.acting import Answer, Asked
from core.labelling.actions import UNCHANGED, Action, action_from
from core.labelling.history import Kind
from core.labelling.session import LabelSession, start
from tests.core.archives import picture

HEIGHT, WIDTH = 40, 60


def photo(level: int) -> bytes:
    return picture(np.full((HEIGHT, WIDTH, 3), level, np.uint8))


def new_session(count: int = 3, classes: Sequence[str] = ("horse",), name: str = "mine") -> LabelSession:
    return start(name, [(f"{i}.png", photo(50 * i)) for i in range(count)], classes)[0]


def nothing_to_answer(asked: Asked) -> NDArray[np.uint8]:
    raise AssertionError("no mask should be asked for")


def paint(number: int, rows: slice, label: int = 1, columns: slice = slice(0, WIDTH)) -> Action:
    """A painted rectangle, which is sent as the smallest patch around it."""
    height, width = rows.stop - rows.start, columns.stop - columns.start
    ids = np.full((height, width), label, np.uint8)
    png = "data:image/png;base64," + base64.b64encode(encode(ids)).decode()
    patch = {"top": rows.start, "left": columns.start, "png": png}
    return made("paint", number, label, patch=patch, tool="brush")


def made(kind: str, number: int, label: int = 1, **more: Any) -> Action:
    return action_from({"kind": kind, "number": number, "label": label, **more}, classes=3)


def send(
    session: LabelSession, *actions: Action, name: str = "0.png", tab: str = "a", seen: int | None = None
) -> Answer:
    """As a tab that has seen everything so far, unless `seen` says otherwise."""
    known = session.state(name).revision if seen is None else seen
    return acting.act(session, name, tab, known, actions, nothing_to_answer)


__all__ = ["HEIGHT", "UNCHANGED", "WIDTH", "Kind", "made", "new_session", "paint", "photo", "send"]
