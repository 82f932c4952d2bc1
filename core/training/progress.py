"""How far a training has got."""

import time
from dataclasses import asdict, dataclass
from typing import Any

from core.system.progress import seconds_left

MOST_FINISHED = 24  # times that a training with a time limit is validated and saved
FINISHING_SHARE = 6  # its steps take at least this many times as long as finishing does


@dataclass(slots=True)
class Progress:
    """`seconds` count from the first step, without the set-up, over all sessions of a resumed run.

    `time_limit` are those by which the last epoch has to be finished, 0 where the epochs decide, and
    `finishing` those that it took to finish the last one: validation, saving, previews. A resumed run has
    what was left of its time; setting it up again does not count.
    """

    total_steps: int
    epoch: int = 0
    step: int = 0
    images: int = 0
    best_dice_mean: float = -1.0
    best_epoch: int = 0
    first_loss: float = 0.0
    earlier_seconds: float = 0.0
    started: float = 0.0
    first_step: int = 0
    first_image: int = 0
    last_event: float = -1e9
    time_limit: float = 0.0
    finishing: float = 0.0
    last_finished: float = 0.0
    time_used: float = 0.0

    def start(self) -> None:
        """The first step of this session follows."""
        self.started = time.monotonic()
        self.first_step, self.first_image = self.step, self.images
        self.last_event = -1e9

    @property
    def session_seconds(self) -> float:
        return time.monotonic() - self.started if self.started else 0.0

    @property
    def seconds(self) -> float:
        return self.earlier_seconds + self.session_seconds

    def clock(self) -> float:
        """The share of the time for steps that has passed, 1 when only the time to finish the epoch is left.
        Every process has its own clock; `time_used` is what they agreed on."""
        usable = self.time_limit - self.finishing
        return min(1.0, self.seconds / usable) if usable > 0 else 1.0

    @property
    def is_out_of_time(self) -> bool:
        return bool(self.time_limit) and self.time_used >= 1

    @property
    def is_due(self) -> bool:
        """Whether an epoch that ends now is to be finished. With a time limit, short epochs are finished
        together, so that validation and saving do not take the time of the steps."""
        wait = max(self.time_limit / MOST_FINISHED, FINISHING_SHARE * self.finishing)
        return self.is_out_of_time or self.seconds - self.last_finished >= (wait if self.time_limit else 0)

    @property
    def seconds_left(self) -> float:
        if self.time_limit:
            return max(0.0, self.time_limit - self.seconds)
        steps = max(1, self.step - self.first_step)
        return seconds_left(self.session_seconds, steps, self.total_steps - self.first_step)

    @property
    def images_per_second(self) -> float:
        return (self.images - self.first_image) / max(1e-9, self.session_seconds)

    def kept(self) -> dict[str, Any]:
        """The values that a resumed run needs."""
        names = (
            "epoch", "step", "images", "best_dice_mean", "best_epoch", "first_loss", "time_limit",
            "finishing", "last_finished",
        )  # fmt: skip
        return {**{n: v for n, v in asdict(self).items() if n in names}, "earlier_seconds": self.seconds}
