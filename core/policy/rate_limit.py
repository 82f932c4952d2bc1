"""How much one visitor may ask for in an hour."""

import math
import time
from collections import deque

from core.errors import UserError

HOUR = 3600.0


class Quota:
    """Counts what was taken within the last hour. One for each session; not shared between threads."""

    def __init__(self) -> None:
        self._taken: deque[float] = deque()

    def take(self, limit: int, now: float | None = None) -> None:
        """Count one more of at most `limit` an hour (0: no limit). Raises UserError when it is used up."""
        now = time.monotonic() if now is None else now
        while self._taken and now - self._taken[0] >= HOUR:
            self._taken.popleft()
        if limit and len(self._taken) >= limit:
            minutes = math.ceil((HOUR - (now - self._taken[0])) / 60)
            raise UserError(
                f"This server takes {limit} photos an hour from one visitor: go on in {minutes} min."
            )
        self._taken.append(now)
