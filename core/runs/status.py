"""The status of a run, and whether the process that it names still runs."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

LIVE = ("starting", "queued", "running")
STATES = (*LIVE, "finished", "stopped", "failed", "died")


@dataclass(frozen=True, slots=True)
class Status:
    """`state` is one of STATES; `process` and `process_started` identify the worker, because process numbers
    are reused. `devices` are those that a queued run waits for."""

    state: str
    message: str = ""
    process: int = 0
    process_started: float = 0.0
    changed: float = 0.0
    devices: tuple[str, ...] = ()


def process_start(process: int) -> float:
    """When a process started, 0 where there is none; by a monotonic clock, where the system has one.

    The wall clock jumps when a laptop wakes or a server is corrected, and a live worker would then look like
    another process.
    """
    if not process:
        return 0.0
    try:
        fields = Path(f"/proc/{process}/stat").read_text("ascii", "replace")
        return float(fields.rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")  # since the boot
    except (OSError, IndexError, ValueError):
        pass
    try:
        return float(psutil.Process(process).create_time())
    except psutil.Error:
        return 0.0


def is_alive(status: Status) -> bool:
    """Whether the worker of this status still runs. One that has not started yet has ten seconds."""
    if not status.process:
        return abs(time.time() - status.changed) < 10
    try:
        worker = psutil.Process(status.process)
        same = abs(process_start(status.process) - status.process_started) < 2
        return same and worker.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
