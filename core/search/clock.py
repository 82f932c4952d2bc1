"""The time that a search has spent, kept with its study; waiting, and being stopped while it waits."""

import time
from collections.abc import Callable, Sequence

from core.runs.run_folder import Run
from core.runs.status import LIVE
from core.training.worker import Stop

POLL_SECONDS = 0.3
TICK_SECONDS = 2.0  # between two notes of the time
STOP_SECONDS = 1.5  # that a stopped training is waited for: the process of the search may take two


class Stopped(Exception):  # noqa: N818 - no error
    """Somebody stopped the search."""


class Clock:
    """`spent` are seconds over all sessions of a search, without those in which its trainings stood in line.
    `tick` is called every few seconds, to show and keep them."""

    def __init__(self, stopping: Stop, spent: float, tick: Callable[[], None]) -> None:
        self.stopping, self.spent, self.tick = stopping, spent, tick
        self._last, self._ticked = time.monotonic(), 0.0

    def wait(self, runs: Sequence[Run], counts: bool) -> None:
        """A moment, which counts as spent or not. Raises Stopped when the search is to end, after `runs` were
        asked to stop."""
        now = time.monotonic()
        if counts:
            self.spent += now - self._last
        self._last = now
        if now - self._ticked > TICK_SECONDS:
            self._ticked = now
            self.tick()
        if not self.stopping.wait(POLL_SECONDS):
            return
        live = [run for run in runs if run.status().state in LIVE]
        for run in live:
            run.stop_file.touch()
        end = time.monotonic() + STOP_SECONDS
        while any(run.status().state in LIVE for run in live) and time.monotonic() < end:
            time.sleep(0.05)
        raise Stopped
