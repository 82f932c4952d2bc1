"""How many photos a visitor may process in an hour, and how large a photo may be."""

import math
import threading
import time
from collections import OrderedDict, deque

from core.errors import UserError
from core.policy.policy import current_policy

HOUR = 3600.0
PIXELS = 12_000_000  # of one photo of the quota: work grows with pixels, so a larger photo counts as several
KNOWN_VISITORS = 10_000


class UsedUpError(UserError):
    """The quota of this hour is used up."""


class Quota:
    """Counts the photos of the last hour. There is one for each session. Thread-safe."""

    def __init__(self) -> None:
        self._taken: deque[float] = deque()
        self._lock = threading.Lock()

    def check(self, limit: int, count: int = 1) -> None:
        """Raises UsedUpError if `take` would; counts nothing."""
        with self._lock:
            self._check(limit, time.monotonic(), count)

    def take(self, limit: int, now: float | None = None, count: int = 1) -> None:
        """Count `count` more photos towards `limit` an hour (0: no limit). Raises UsedUpError, counting
        nothing, if fewer are left."""
        with self._lock:
            now = time.monotonic() if now is None else now
            self._check(limit, now, count)
            if limit:
                self._taken.extend([now] * count)

    def _check(self, limit: int, now: float, count: int) -> None:
        while self._taken and now - self._taken[0] >= HOUR:
            self._taken.popleft()
        over = len(self._taken) + count - limit
        if limit and over > 0:
            raise UsedUpError(self._refusal(limit, now, over))

    def _refusal(self, limit: int, now: float, over: int) -> str:
        quota = f"The limit is {limit} photos of {PIXELS // 10**6} megapixels an hour for each visitor"
        if over > len(self._taken):
            return f"{quota}, and this counts as more: make it smaller or shorter, or take fewer passes."
        minutes = math.ceil((HOUR - (now - self._taken[over - 1])) / 60)
        return f"{quota}. Try again in {minutes} min."


class Quotas:
    """A Quota for each visitor, by an identifier; at most KNOWN_VISITORS, most recently seen first."""

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
    """How many photos of the quota this many pixels count as."""
    return max(1, math.ceil(pixels / PIXELS))


def check_pixels(pixels: int, name: str) -> None:
    """Raises UserError if a picture is larger than this server accepts. Call it before decoding."""
    most = current_policy().photo_megapixels
    if most and pixels > most * 1_000_000:
        raise UserError(
            f"{name} has {pixels / 1e6:.0f} megapixels; this server accepts {most}. Make it smaller first."
        )
