"""A clock that is set ends no training and deletes nothing."""

import os
import time
from pathlib import Path

import pytest

from core.runs import run_folder
from core.server import retention
from tests.builders import tiny


def test_a_worker_lives_on_when_the_clock_is_set(monkeypatch: pytest.MonkeyPatch, small_data: Path) -> None:
    run = run_folder.create(tiny(small_data))
    run.set_status("running", process=os.getpid())
    now = time.time()
    for jump in (-86_400, 86_400, 10 * 365 * 86_400):
        monkeypatch.setattr(time, "time", lambda jump=jump: now + jump)
        assert run.status().state == "running"
    monkeypatch.setattr(time, "time", lambda: now)
    run.set_status("starting", process=0)
    for jump in (-86_400, 86_400):  # a worker that never came up does not wait for a clock to come back
        monkeypatch.setattr(time, "time", lambda jump=jump: now + jump)
        assert run.status().state == "died"


def test_nothing_is_deleted_because_the_clock_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = retention.Clock()
    assert not clock.jumped_within(3600)
    wall, steady = time.time(), time.monotonic()
    monkeypatch.setattr(time, "time", lambda: wall + 365 * 86_400)
    assert clock.jumped_within(3600) and clock.jumped_within(3600)
    monkeypatch.setattr(time, "monotonic", lambda: steady + 3700)
    monkeypatch.setattr(time, "time", lambda: wall + 365 * 86_400 + 3700)
    assert not clock.jumped_within(3600)
