"""A search is a folder, like a run, and each of its trials is a run of its own.

config.json     the settings of the first trial
search.json     how long, over what, and by which seed
journal.log     every trial, as Optuna keeps it
board.json      the trials, what mattered and the result, for the page
status.json, launched.json, log.txt, stop   as those of a run
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from core.config import TrainConfig
from core.errors import UserError
from core.runs import run_folder
from core.runs.run_folder import Run
from core.runs.status import LIVE
from core.search.board import BOARD_FILE, Board, Phase, board_from
from core.system import workspace
from core.system.workspace import read_json, write_json

SEARCH_FILE, STUDY_FILE = "search.json", "journal.log"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a search does. `minutes` for all of it; `trials` at most, 0: as many as there is time for.

    With a `grid` it is a sweep: every combination of these values is trained, without a final training.
    Settings named in `fixed` keep their value. `seed` is that of the choices.
    """

    minutes: float = 60.0
    trials: int = 0
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    fixed: Sequence[str] = ()
    seed: int = 42


@dataclass(frozen=True, slots=True)
class Search:
    """`run` is its folder as one of a run, with status, log, name and owner."""

    run: Run

    @property
    def id(self) -> str:
        return self.run.id

    @property
    def folder(self) -> Path:
        return self.run.folder

    @property
    def plan(self) -> Plan:
        """Raises UserError when the file cannot be read."""
        values = read_json(self.folder / SEARCH_FILE)
        known = {f.name for f in dataclasses.fields(Plan)}
        return Plan(**{name: value for name, value in values.items() if name in known})

    @property
    def board(self) -> Board:
        """Its state; an empty one before its first trial."""
        try:
            return board_from(read_json(self.folder / BOARD_FILE))
        except (UserError, KeyError, TypeError, ValueError):
            return Board()

    @property
    def is_live(self) -> bool:
        return self.run.status().state in LIVE

    @property
    def can_resume(self) -> bool:
        """Whether it ended before it was done."""
        return not self.is_live and self.board.phase is not Phase.DONE


def create(config: TrainConfig, plan: Plan) -> Search:
    """A new search's folder, with settings `config` for its first trial."""
    name = config.name or f"{'Sweep' if plan.grid else 'Search'} {1 + len(run_folder.list_searches())}"
    run = run_folder.create_search(replace(config, name=name))
    write_json(run.folder / SEARCH_FILE, dataclasses.asdict(plan))
    return Search(run)


def list_searches() -> list[Search]:
    """All searches of the workspace, newest first."""
    return [Search(run) for run in run_folder.list_searches()]


def find(search_id: str) -> Search | None:
    folder = workspace.searches() / Path(search_id).name
    return Search(Run(folder)) if (folder / SEARCH_FILE).is_file() else None


def open_search(folder: Path) -> Search:
    """The search in this folder. Raises UserError where there is none."""
    if not (folder / SEARCH_FILE).is_file():
        raise UserError(
            f"{folder} is not the folder of a search: give the one that `python -m core search` printed."
        )
    return Search(Run(folder.resolve()))
