"""What is drawn while the disk is full is not confirmed: the tab sends it again when there is space."""

import errno
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image

from core.labelling import acting, history
from core.labelling.history import Event
from core.labelling.session import LabelSession, Status
from core.system import workspace
from core.system.workspace import cannot_write
from tests.core.labelling.sessions import made, new_session, paint, send

TOP = slice(0, 10)
FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def session() -> LabelSession:
    return new_session()


def full(*_: Any) -> NoReturn:
    raise FULL


def test_a_stroke_that_finds_the_disk_full_is_kept_by_its_tab_and_done_once_there_is_space(
    session: LabelSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(session, paint(1, slice(20, 30)))
    strokes = paint(2, TOP), paint(3, slice(30, 40))
    with monkeypatch.context() as patched:
        patched.setattr(workspace, "_write_and_replace", full)
        answer = send(session, *strokes)
    assert "No space left on device: free some space on the disk" in answer.refused
    assert answer.answered == 1
    assert not session.shown_mask("0.png")[TOP].any()
    again = send(session, *strokes)
    assert again.answered == 3 and not again.refused
    assert session.shown_mask("0.png")[TOP].all() and session.shown_mask("0.png")[30:].all()


def test_a_lock_that_finds_no_space_confirms_nothing(
    session: LabelSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FileLock, "acquire", full)
    with pytest.raises(workspace.NotWrittenError, match="No space left"):
        send(session, paint(1, TOP))


def test_a_mask_that_was_accepted_just_before_the_disk_was_full_is_not_taken_for_one_of_the_data_set(
    session: LabelSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(session, paint(1, TOP))

    def all_but_acceptance(path: Path, event: Event, written: Any = history.append) -> None:
        if event.kind is history.Kind.ACCEPT:
            raise cannot_write(path, FULL)
        written(path, event)

    with monkeypatch.context() as patched:
        patched.setattr(history, "append", all_but_acceptance)
        answer = send(session, made("accept", 2))
    assert answer.answered == 1 and not answer.is_decided
    mask = session.folder / "masks" / "0.png"
    assert mask.exists()
    assert send(session, made("accept", 2)).is_decided
    acting.reopen(session, "0.png")
    assert not mask.exists() and session.status("0.png").status is Status.PROPOSED


def test_a_mask_of_the_data_set_that_is_accepted_as_it_is_comes_back_when_that_is_undone(
    session: LabelSession,
) -> None:
    mask = session.folder / "masks" / "0.png"
    drawn = np.zeros((40, 60), np.uint8)
    drawn[TOP] = 255
    Image.fromarray(drawn).save(mask)
    session.list_again()
    before = mask.read_bytes()
    send(session, made("accept", 1))
    acting.reopen(session, "0.png")
    assert mask.read_bytes() == before
