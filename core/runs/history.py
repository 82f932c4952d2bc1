"""What a run's events say so far, read as they are written."""

import os
from dataclasses import dataclass, field

from core.runs import events
from core.runs.events import EpochEnd, Event, Finished, Note, Preview, RateFound, RatePoint, Started, Step
from core.runs.run_folder import Run


@dataclass(slots=True)
class History:
    """A run's events, as far as they have been read. `refresh` reads only what was added since."""

    run: Run
    offset: int = 0
    file: int = 0  # its inode: a resumed run has a new one
    started: Started | None = None
    finished: Finished | None = None
    steps: list[Step] = field(default_factory=list)
    epochs: list[EpochEnd] = field(default_factory=list)
    previews: dict[int, Preview] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    rates: list[RatePoint] = field(default_factory=list)
    rate: RateFound | None = None

    def refresh(self) -> "History":
        try:
            with open(self.run.events_file, "rb") as file:
                number = os.fstat(file.fileno()).st_ino
                if number != self.file:
                    self._forget()
                    self.file = number
                file.seek(self.offset)
                added = file.read()
        except OSError:
            return self
        whole = added[: added.rfind(b"\n") + 1]
        self.offset += len(whole)
        for event in events.from_lines(whole.decode("utf-8", "replace").splitlines()):
            self._take(event)
        return self

    def _forget(self) -> None:
        self.offset, self.started, self.finished = 0, None, None
        self.steps, self.epochs, self.previews, self.notes = [], [], {}, []
        self.rates, self.rate = [], None

    def _take(self, event: Event) -> None:
        match event:
            case Started():
                self.started = event
            case Step():
                self.steps.append(event)
            case EpochEnd():
                self.epochs.append(event)
            case Preview():
                self.previews[event.epoch] = event
            case Note():
                self.notes.append(event)
            case Finished():
                self.finished = event
            case RatePoint():
                self.rates.append(event)
            case RateFound():
                self.rate = event

    @property
    def fraction_done(self) -> float:
        if self.finished and self.finished.reason == "done":
            return 1.0
        if self.rates:
            return self.rates[-1].step / self.rates[-1].steps
        if not self.started or not self.steps:
            return 0.0
        last = self.steps[-1]
        if self.started.is_timed:
            return min(1.0, last.seconds / max(1e-9, last.seconds + last.seconds_left))
        total = self.started.steps_per_epoch * self.started.epochs
        return min(1.0, last.step / max(1, total))

    @property
    def expected_epochs(self) -> int:
        """How many epochs there will have been at the end, as far as can be seen now."""
        if not self.started:
            return 1
        if not self.started.is_timed:
            return self.started.epochs
        done = max([e.epoch for e in self.epochs] + [s.epoch for s in self.steps[-1:]], default=1)
        steps = self.steps[-1].step / max(1, self.started.steps_per_epoch) if self.steps else 1.0
        return max(1, done, round(steps / self.fraction_done)) if self.fraction_done else self.started.epochs

    @property
    def best(self) -> EpochEnd | None:
        return max((e for e in self.epochs if e.epoch > 0), key=lambda e: e.dice_mean, default=None)
