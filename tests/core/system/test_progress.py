"""How long work still takes."""

import pytest

from core.system import progress
from core.system.progress import TimeLeft, seconds_left


def test_what_remains_takes_as_long_for_each_as_what_is_done() -> None:
    assert seconds_left(10, 5, 20) == 30
    assert seconds_left(10, 20, 20) == seconds_left(10, 25, 20) == 0
    assert seconds_left(10, 0, 20) == float("inf")


def test_work_that_goes_on_is_judged_by_what_was_done_since(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    left = TimeLeft(100, done=80)
    assert left.words(80) == ""
    now[0] += 5
    assert left.words(90) == ", 5 s left"
    assert left.words(100) == ", 0 s left"
