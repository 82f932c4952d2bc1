"""Python processes that start at once: forked from one that has imported what takes seconds to import.

Not forked from the test's own process: autograd refuses to work in the fork of a process that has used it.
"""

import atexit
import contextlib
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing.context import ForkServerContext
from pathlib import Path
from types import ModuleType
from typing import IO

from core.system.workspace import PROJECT

PRELOADED = [
    "core.cli", "core.search.conductor", "core.server.rest", "core.training.loop", "optuna", "pytest",
    "segmentation_models_pytorch", "streamlit.web.cli", __name__,
]  # fmt: skip


def fork_server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """multiprocessing runs the main module again in each process, and AppTest puts a page in its place."""
    before = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = before


class Started:
    """A process that runs `python ARGUMENTS` in the project's folder, with the methods of a Popen."""

    def __init__(
        self,
        *arguments: object,
        environment: Mapping[str, str] | None = None,
        first: Callable[[], object] = os.getpgrp,
        folder: Path | None = None,
    ) -> None:
        """`first` is called in the process; output and errors go to files in `folder`, else nowhere."""
        self.folder = folder
        files = [str(folder / name) if folder else os.devnull for name in ("output", "errors")]
        self._start(arguments, files, environment, first)

    def _start(
        self,
        arguments: Sequence[object],
        files: Sequence[str],
        environment: Mapping[str, str] | None,
        first: Callable[[], object],
    ) -> None:
        work = list(map(str, arguments)), {**os.environ, **(environment or {})}, files, first
        self._process = fork_server().Process(target=_python, args=work)
        with _without_main():
            self._process.start()
        self.pid = int(self._process.pid or 0)

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("python", timeout or 0)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


class ForkedPopen(Started):
    """A stand-in for the Popen of a worker: its arguments, its session, and its log for what it prints."""

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], stdout: IO[bytes], **_: object
    ) -> None:
        arguments = [word for word in command[1:] if word != "-u"]
        self._start(arguments, [stdout.name, stdout.name], env, os.setsid)


def python(
    *arguments: object,
    environment: Mapping[str, str] | None = None,
    first: Callable[[], object] = os.getpgrp,
    timeout: float = 240,
) -> "subprocess.CompletedProcess[str]":
    """Run `python ARGUMENTS` in the project's folder to its end."""
    with tempfile.TemporaryDirectory() as folder:
        process = Started(*arguments, environment=environment, first=first, folder=Path(folder))
        try:
            status = process.wait(timeout)
        finally:
            process.kill()
        output, errors = ((Path(folder) / name).read_text() for name in ("output", "errors"))
    return subprocess.CompletedProcess(list(map(str, arguments)), status, output, errors)


def _python(
    arguments: list[str], environment: dict[str, str], files: Sequence[str], first: Callable[[], object]
) -> None:
    import torch

    # multiprocessing ends its processes without them; before its own, as in any other process.
    multiprocessing.util.Finalize(None, atexit._run_exitfuncs, exitpriority=1000)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(PROJECT)
    first()
    torch.set_num_threads(int(environment.get("OMP_NUM_THREADS", torch.get_num_threads())))
    for number, file in enumerate(files, 1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    elif arguments[0] == "-c":
        sys.argv = ["-c", *arguments[2:]]
        exec(arguments[1], {"__name__": "__main__"})
    else:
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")
