"""Where a training stands."""

import time
from dataclasses import asdict, dataclass
from typing import Any

from core.system.progress import seconds_left


@dataclass(slots=True)
class Progress:
    """`seconds` count from the first step, setting up excluded, over all sittings of a resumed run."""

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
        """The first step of this sitting follows."""
        self.started = time.monotonic()
        self.first_step, self.first_image = self.step, self.images
        self.last_event = -1e9

    @property
    def sitting(self) -> float:
        return time.monotonic() - self.started if self.started else 0.0

    @property
    def seconds(self) -> float:
        return self.earlier_seconds + self.sitting

    @property
    def seconds_left(self) -> float:
        steps = max(1, self.step - self.first_step)
        return seconds_left(self.sitting, steps, self.total_steps - self.first_step)

    @property
    def images_per_second(self) -> float:
        return (self.images - self.first_image) / max(1e-9, self.sitting)

    def kept(self) -> dict[str, Any]:
        """What a resumed run goes on from."""
        names = ("epoch", "step", "images", "best_dice_mean", "best_epoch", "first_loss")
        return {**{n: v for n, v in asdict(self).items() if n in names}, "earlier_seconds": self.seconds}
