"""Start, resume and stop a search, and what its process does."""

import contextlib
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.config import TrainConfig
from core.data.dataset import open_data, write_down
from core.data.splitting import hold_out_test
from core.errors import UserError
from core.evaluation.statistics import MIN_IMAGES
from core.policy.ownership import sign
from core.policy.permissions import needs
from core.policy.policy import current_policy
from core.runs import jobs, run_folder
from core.runs.run_folder import Run
from core.runs.status import LIVE
from core.search import search_folder
from core.search.board import TrialState
from core.search.search_folder import Plan, Search
from core.search.space import checked_grid
from core.training.worker import Report, Stop, carry_out

if TYPE_CHECKING:
    from core.search.trainings import Backend

TEST_SHARE = 0.15  # of all photos, where a data set has no test set yet
LEAST_MINUTES, MOST_MINUTES = 2.0, 10_080.0


@needs("train")
def prepare(config: TrainConfig, plan: Plan) -> Search:
    """A new search's folder. A data set without a test set is given one first, for good, of photos that have
    been for training; that needs the permission `change` too. A sweep has no test.

    Raises UserError where the data cannot be searched on.
    """
    _check(plan)
    data = open_data(Path(config.data))
    write_down(data)
    if not plan.grid:
        hold_out_test(data, TEST_SHARE, MIN_IMAGES)
    search = search_folder.create(replace(config, minutes=0.0), plan)  # trials are paced by their epochs
    sign(search.folder)
    return search


@needs("train")
def start(config: TrainConfig, plan: Plan) -> Search:
    """A new search with a process of its own, which continues when this one ends.

    Raises UserError as `prepare` and `core.runs.jobs.start` do.
    """
    search = prepare(config, plan)
    try:
        jobs.start_search(search.run)
    except UserError:
        shutil.rmtree(search.folder, ignore_errors=True)
        raise
    return search


@needs("train")
def resume(search: Search) -> None:
    """Go on with a search that ended before it was done. Raises UserError where it cannot."""
    if not search.can_resume:
        raise UserError(f"{search.run.name} cannot be resumed: it is running or done.")
    jobs.start_search(search.run)


def stop(search: Search) -> None:
    """Stop a search and the training that it runs; returns once they have stopped, within a few seconds.

    Raises UserError if it is somebody else's and the policy protects it.
    """
    jobs.stop(search.run)
    for row in search.board.rows:
        run = run_folder.find(row.run) if row.run and row.state is TrialState.RUNNING else None
        if run is not None and run.status().state in LIVE:
            jobs.stop(run)


def work(search: Search, report: Report = lambda event: None, backend: "Backend | None" = None) -> str:
    """Carry out the search in this process. Returns the final state, "finished" or "stopped". `backend` is
    where its trainings run, by default in processes of this machine.

    Raises UserError when it cannot continue, and writes it to the status first.
    """
    from core.search.conductor import Conductor
    from core.search.trainings import Backend

    def conduct(run: Run, stopping: Stop, say: Report) -> str:
        run.set_status("running")
        conductor = Conductor(search, stopping, say, backend or Backend())

        def pass_on() -> None:
            stopping.wait()
            conductor.trainings.ask_to_stop()

        threading.Thread(target=pass_on, daemon=True).start()
        return conductor.carry_out()

    with contextlib.suppress(OSError):
        search.run.stop_file.unlink()
    return carry_out(conduct, search.run, report)


def _check(plan: Plan) -> None:
    if plan.grid:
        checked_grid(plan.grid)
    elif not LEAST_MINUTES <= plan.minutes <= MOST_MINUTES:
        raise UserError(
            f"A search takes {LEAST_MINUTES:g} to {MOST_MINUTES:g} minutes, not {plan.minutes:g}."
        )
    limit = current_policy().training_minutes
    if limit and plan.minutes > limit:
        raise UserError(f"A search on this server may take {limit} minutes.")
