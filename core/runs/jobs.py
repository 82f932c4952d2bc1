"""Start and stop the worker process of a run."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from core.config import REMOTE_LOGGERS, TrainConfig
from core.errors import UserError
from core.policy.folders import require_folder
from core.policy.ownership import is_own, sign
from core.policy.permissions import allowed, needs, require
from core.policy.policy import current_policy
from core.runs import run_folder
from core.runs.run_folder import Run
from core.runs.status import LIVE
from core.system import workspace
from core.system.logs import log

STOP_SECONDS = 2.9
POLITE = (
    "SEGMENTATION_STUDIO_POLITE"  # "1" for a worker that runs beside pages, unless the server has it as "0"
)
_children: dict[str, "subprocess.Popen[bytes]"] = {}


@needs("train")
def start(config: TrainConfig, plan: Mapping[str, Any] | None = None, options: Sequence[str] = ()) -> Run:
    """A new run with its own worker, which continues when this process ends; `plan` is kept in its folder.
    `options` are more of the worker's command line: where else it trains.

    Raises UserError if the policy forbids it, or as many as it allows are running and queued already.
    """
    _check_settings(config)
    _check_turn()
    run = run_folder.create(config, plan=plan)
    sign(run.folder)
    _launch(run, "train", options)
    log("training started", encoder=config.encoder, epochs=config.epochs)
    return run


@needs("train")
def resume(run: Run, options: Sequence[str] = ()) -> None:
    """Resume a run that ended early after its last whole epoch; `options` as for `start`.

    Raises UserError if it cannot be resumed, or is somebody else's and the policy protects it.
    """
    if not may_change(run):
        raise UserError("Somebody else started this training: only they may resume it.")
    _check_turn()
    run.make_ready_to_resume()
    _launch(run, "train", options)


@needs("train")
def find_rate(config: TrainConfig) -> Run:
    """A learning-rate finder with these settings, as a run of its own without a model."""
    _check_settings(config)
    _check_turn()
    run = run_folder.create_rate_finder(config)
    sign(run.folder)
    _launch(run, "find-rate")
    return run


@needs("train")
def start_search(search: Run) -> None:
    """Start, or resume, the process of a search over settings, of which core.search made the folder.

    Raises UserError as `start` and `resume` do.
    """
    if search.status().state in LIVE and search.status().process:
        raise UserError("This search is running already.")
    if not may_change(search):
        raise UserError("Somebody else started this search: only they may resume it.")
    _check_settings(search.config)
    _check_turn(besides=search)
    search.make_ready_to_start()
    _launch(search, "search")


def _check_settings(config: TrainConfig) -> None:
    """Check what the settings reach for on behalf of whoever starts the worker, which acts as the owner."""
    for named in (config.data, config.start_from):
        if named:
            require_folder(Path(named))
    if any(name in REMOTE_LOGGERS for name in config.logger_names):
        require("machine")


def has_turn() -> bool:
    """Whether the policy allows one more training now."""
    most = current_policy().trainings_at_once
    return not most or len(active()) < most


def _check_turn(besides: Run | None = None) -> None:
    """`besides` is the search that wants to start, which counts as live while it is new."""
    most = current_policy().trainings_at_once
    searches = [run for run in live_searches() if run != besides]
    if most and max(len(active()), len(searches)) >= most:
        raise UserError(
            f"{most} trainings are running or queued, as many as this server allows: try again later."
        )


def may_change(run: Run) -> bool:
    """Whether the run is the visitor's own, or they may change those of others."""
    return allowed("change") or is_own(run.folder)


def _launch(run: Run, command: str = "train", options: Sequence[str] = ()) -> None:
    log = open(run.folder / "log.txt", "ab")  # noqa: SIM115 - the worker keeps it open
    with log:
        child = subprocess.Popen(
            [sys.executable, "-u", "-m", "core", command, "--run-folder", str(run.folder), *options],
            cwd=workspace.PROJECT,
            env={
                **os.environ,
                "SEGMENTATION_STUDIO_WORKSPACE": str(workspace.root().resolve()),
                # Waiting threads sleep instead of spinning, because a browser works beside them: that
                # costs about 6 % on idle cores and gains 40 % on busy ones.
                POLITE: os.environ.get(POLITE, "1"),
                "OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "passive"),
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _children[run.id] = child
    run.set_launched(child.pid)


def stop(run: Run) -> None:
    """Ask the worker to stop; returns once it has, within three seconds. The best model is kept.

    Raises UserError if the run is somebody else's and the policy protects it.
    """
    if not may_change(run):
        raise UserError("Somebody else started this training: only they may stop it.")
    if run.status().state not in LIVE:
        return
    run.stop_file.touch()
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        reap()
        if run.status().state not in LIVE:
            return
        time.sleep(0.05)
    _end(run)
    if run.status().state in (*LIVE, "died"):  # unless it has written its final status meanwhile
        run.set_status("stopped", "The worker did not answer and was ended.")


def _end(run: Run) -> None:
    status = run.status()
    if status.state not in LIVE:
        return
    with contextlib.suppress(psutil.Error):
        worker = psutil.Process(status.process)
        worker.kill()
        worker.wait(1)


def reap() -> None:
    """Collect workers that have ended, so that none remains as a zombie."""
    for run_id, child in list(_children.items()):
        if child.poll() is not None:
            del _children[run_id]


def active() -> list[Run]:
    """Trainings and learning-rate finders that are running or queued, oldest first."""
    reap()
    runs = [*run_folder.list_runs(), *run_folder.list_rate_finders()]
    return sorted((run for run in runs if run.status().state in LIVE), key=lambda run: run.id)


def live_searches() -> list[Run]:
    """Searches over settings that are running, oldest first. Their trials are among `active`."""
    found = [run for run in run_folder.list_searches() if run.status().state in LIVE]
    return sorted(found, key=lambda run: run.id)
