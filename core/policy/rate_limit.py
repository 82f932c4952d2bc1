"""How much one visitor may ask for in an hour, and how large a photo may be."""

import math
import threading
import time
from collections import OrderedDict, deque

from core.errors import UserError
from core.policy.policy import rules

HOUR = 3600.0
PIXELS = 12_000_000  # of a photo as the hour counts them: work follows pixels, so larger ones count as more
KNOWN_VISITORS = 10_000


class UsedUpError(UserError):
    """What a visitor may have in an hour is used up."""


class Quota:
    """Counts what was taken within the last hour. One for each session; may be shared between threads."""

    def __init__(self) -> None:
        self._taken: deque[float] = deque()
        self._lock = threading.Lock()

    def take(self, limit: int, now: float | None = None, count: int = 1) -> None:
        """Count so many more of at most `limit` an hour (0: no limit). Raises UsedUpError where they are
        not left; then nothing is counted."""
        with self._lock:
            now = time.monotonic() if now is None else now
            while self._taken and now - self._taken[0] >= HOUR:
                self._taken.popleft()
            over = len(self._taken) + count - limit
            if limit and over > 0:
                raise UsedUpError(self._refusal(limit, now, over))
            if limit:
                self._taken.extend([now] * count)

    def _refusal(self, limit: int, now: float, over: int) -> str:
        takes = f"This server takes {limit} photos of {PIXELS // 10**6} megapixels an hour from one visitor"
        if over > len(self._taken):
            return f"{takes}, and this is more than that: make it smaller or shorter."
        minutes = math.ceil((HOUR - (now - self._taken[over - 1])) / 60)
        return f"{takes}: go on in {minutes} min."


class Quotas:
    """One Quota for each of many visitors, by what tells them apart; those long gone are forgotten."""

    def __init__(self) -> None:
        self._of: OrderedDict[str, Quota] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, visitor: str) -> Quota:
        with self._lock:
            quota = self._of.setdefault(visitor, Quota())
            self._of.move_to_end(visitor)
            while len(self._of) > KNOWN_VISITORS:
                self._of.popitem(last=False)
            return quota


def photos_in(pixels: float) -> int:
    """As how many photos of an hour so many pixels count."""
    return max(1, math.ceil(pixels / PIXELS))


def check_pixels(pixels: int, name: str) -> None:
    """Raises UserError where a picture is larger than this server takes, before it is decoded."""
    most = rules().photo_megapixels
    if most and pixels > most * 1_000_000:
        raise UserError(
            f"{name} has {pixels / 1e6:.0f} megapixels, and this server takes {most}: make it smaller first."
        )
