"""How far a training has got."""

import time
from dataclasses import asdict, dataclass
from typing import Any

from core.system.progress import seconds_left


@dataclass(slots=True)
class Progress:
    """`seconds` count from the first step, without the set-up, over all sessions of a resumed run."""

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

    @property
    def seconds_left(self) -> float:
        steps = max(1, self.step - self.first_step)
        return seconds_left(self.session_seconds, steps, self.total_steps - self.first_step)

    @property
    def images_per_second(self) -> float:
        return (self.images - self.first_image) / max(1e-9, self.session_seconds)

    def kept(self) -> dict[str, Any]:
        """The values that a resumed run needs."""
        names = ("epoch", "step", "images", "best_dice_mean", "best_epoch", "first_loss")
        return {**{n: v for n, v in asdict(self).items() if n in names}, "earlier_seconds": self.seconds}
