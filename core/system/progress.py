"""How long work still takes, from how long it has taken."""

import time

from core.system.formatting import duration


def seconds_left(elapsed: float, done: float, total: float) -> float:
    """What remains of `total` at the speed so far: 0 where nothing does, infinite where nothing is done."""
    if done >= total:
        return 0.0
    return elapsed * (total - done) / done if done > 0 else float("inf")


class TimeLeft:
    """Counts from now, or from when work that goes on had `done` of its `total` behind it."""

    def __init__(self, total: float, done: float = 0.0) -> None:
        self._total, self._first, self._started = total, done, time.monotonic()

    def words(self, done: float) -> str:
        """ ", 3 min 20 s left" once enough is done to tell, else ""."""
        elapsed = time.monotonic() - self._started
        seconds = seconds_left(elapsed, done - self._first, self._total - self._first)
        return f", {duration(seconds)} left" if seconds < float("inf") else ""
