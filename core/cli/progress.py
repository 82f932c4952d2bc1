"""What a command prints while it works."""

import sys
import time


class ProgressPrinter:
    """Prints to standard error, at most once in `seconds`."""

    def __init__(self, seconds: float = 5.0) -> None:
        self._seconds, self._last = seconds, time.monotonic()

    def show(self, text: str) -> None:
        if time.monotonic() - self._last > self._seconds:
            self._last = time.monotonic()
            print(text, file=sys.stderr)
