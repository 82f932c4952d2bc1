"""The state of a search, which its process writes down for the page and the command line.

This file does not import Optuna, because the page reads it every second.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from core.system.score_names import score

BOARD_FILE = "board.json"


class Phase(StrEnum):
    """What a search does at the moment, or where it ended."""

    TRIALS = "trials"
    FINAL = "final training"
    TEST = "test"
    DONE = "done"


class TrialState(StrEnum):
    """`CUT` trials were stopped early because others were better; `FAILED` ones could not train."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETE = "complete"
    CUT = "stopped early"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Row:
    """One trial. `dice` is Dice (mean over images) of validation photos at their own size, of its best model
    so far; None before it was scored. `share` of its full length has been trained. `values` are the settings
    that are searched."""

    number: int
    state: TrialState
    values: dict[str, Any]
    dice: float | None = None
    share: float = 0.0
    seconds: float = 0.0
    run: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The winner on the test photos, judged once: Dice (mean over images), and its difference from the first
    settings trained as long, each with the ends of a 95 % interval (None below ten photos). `winner` and
    `first` are runs, the same where the first settings won."""

    winner: str
    first: str
    images: int
    dice: float
    interval: tuple[float, float] | None
    difference: float
    difference_interval: tuple[float, float] | None
    sentence: str

    @property
    def range_text(self) -> str:
        """The interval of `dice` in words."""
        if self.interval is None:
            return "too few photos for an interval"
        return f"95 % interval {score(self.interval[0])} to {score(self.interval[1])}"

    @property
    def difference_text(self) -> str:
        """The interval of `difference` in words."""
        if self.winner == self.first:
            return "the first settings won"
        if self.difference_interval is None:
            return "too few photos for an interval"
        low, high = self.difference_interval
        return f"95 % interval {low:+.4f} to {high:+.4f}"


@dataclass(frozen=True, slots=True)
class Board:
    """`seconds` spent, of `total`; 0 in total: no limit. `importance`: shares of the differences between
    trials that each setting explains, the largest first; empty with too few trials. `message`: what is being
    done."""

    phase: Phase = Phase.TRIALS
    seconds: float = 0.0
    total: float = 0.0
    rows: tuple[Row, ...] = ()
    importance: dict[str, float] = field(default_factory=dict)
    verdict: Verdict | None = None
    message: str = ""

    @property
    def seconds_left(self) -> float:
        return max(0.0, self.total - self.seconds)

    @property
    def fraction_done(self) -> float:
        """Of the time, or of the trials where there is no limit."""
        if self.phase is Phase.DONE:
            return 1.0
        if self.total:
            return min(1.0, self.seconds / self.total)
        ended = [row for row in self.rows if row.state not in (TrialState.WAITING, TrialState.RUNNING)]
        return len(ended) / max(1, len(self.rows))

    @property
    def best(self) -> Row | None:
        """The best trial of those that went on to their end, else of all that were scored."""
        scored = [row for row in self.rows if row.dice is not None]
        complete = [row for row in scored if row.state is TrialState.COMPLETE]
        return max(complete or scored, key=lambda row: row.dice or 0.0, default=None)

    @property
    def ranked(self) -> list[Row]:
        """The rows, best first: those that went on to their end before the others, by Dice."""
        order = [
            TrialState.COMPLETE,
            TrialState.RUNNING,
            TrialState.CUT,
            TrialState.WAITING,
            TrialState.FAILED,
        ]
        return sorted(self.rows, key=lambda row: (order.index(row.state), -(row.dice or 0.0), row.number))


def board_from(values: Mapping[str, Any]) -> Board:
    """The Board that `dataclasses.asdict` made these of. Raises KeyError, TypeError or ValueError."""
    rows = tuple(Row(**{**row, "state": TrialState(row["state"])}) for row in values["rows"])
    verdict = values["verdict"]
    return Board(**{
        **values, "phase": Phase(values["phase"]), "rows": rows,
        "verdict": None if verdict is None else Verdict(**{
            **verdict,
            "interval": _pair(verdict["interval"]),
            "difference_interval": _pair(verdict["difference_interval"]),
        }),
    })  # fmt: skip


def to_dict(board: Board) -> dict[str, Any]:
    return dataclasses.asdict(board)


def _pair(ends: Any) -> tuple[float, float] | None:
    return None if ends is None else (float(ends[0]), float(ends[1]))
