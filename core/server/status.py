"""The state of the machine: device, memory, disk, trainings and problems."""

import shutil
import tempfile
from dataclasses import dataclass, field

import psutil

from core.errors import UserError, system_said
from core.policy.permissions import needs
from core.runs import jobs
from core.system import workspace

LEAST_FREE = 1e9  # bytes of free disk space below which it is a problem
GB = 1e9


@dataclass(frozen=True, slots=True)
class Machine:
    """Sizes in GB (10^9 bytes). `busy` is the CPU utilisation since the last measurement, 0 to 1. `memory` is
    that of the server and its workers. `training` and `waiting` count trainings."""

    device: str
    processors: int
    busy: float
    memory: float
    memory_free: float
    disk_free: float
    training: int
    waiting: int
    problems: tuple[str, ...] = field(default=())


@needs("machine")
def measure() -> Machine:
    """Takes a few milliseconds and does not import torch."""
    problems = list(_workspace_problems())
    states: list[str] = []
    try:
        states = [run.status().state for run in jobs.active()]
        free = shutil.disk_usage(workspace.root()).free
    except (UserError, OSError) as error:
        problems.append(str(error))
        free = 0
    if not problems and free < LEAST_FREE:
        problems.append(f"Only {free / GB:.1f} GB of disk space is free: trainings and imports may fail.")
    return Machine(
        _device(),
        psutil.cpu_count() or 1,
        psutil.cpu_percent() / 100,
        sum(_memory(process) for process in _family()) / GB,
        psutil.virtual_memory().available / GB,
        free / GB,
        sum(state != "queued" for state in states),
        sum(state == "queued" for state in states),
        tuple(problems),
    )


def _workspace_problems() -> list[str]:
    """Problems with writing to the workspace."""
    try:
        with tempfile.TemporaryFile(dir=workspace.cache()) as file:
            file.write(b"x")
            file.flush()
    except UserError as error:
        return [str(error)]
    except OSError as error:
        return [f"The workspace cannot be written to: {system_said(error)}."]
    return []


def _family() -> list[psutil.Process]:
    """This process, its children, and workers that an earlier server process started."""
    me = psutil.Process()
    found = {process.pid: process for process in (me, *me.children(recursive=True))}
    for run in jobs.active():
        try:
            worker = psutil.Process(run.status().process)
        except psutil.Error:
            continue
        found[worker.pid] = worker
    return list(found.values())


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _device() -> str:
    """The device for predictions, "CPU" as long as torch has not been imported."""
    import sys

    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "cuda") or not torch.cuda.is_available():
        return "CPU"
    return str(torch.cuda.get_device_name(0))
