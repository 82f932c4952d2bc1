"""The real app as a process of its own, on this machine alone."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from core.config import TrainConfig
from core.system.workspace import PROJECT
from core.training import estimate
from tests.processes import Started


class App:
    """A running server. `restart` ends it and starts another on the same port and workspace."""

    def __init__(self, workspace: Path, script: str = "streamlit_app.py", **environment: str) -> None:
        self.workspace, self.script, self.environment = workspace, script, environment
        self.options: list[str] = []
        self.is_forked = True  # with everything imported; else it starts as on a machine of its own
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._know_the_speed()
        arguments = ["-m", "streamlit", "run", self.script, "--server.headless=true",
                     f"--server.port={self.port}", "--server.address=127.0.0.1", *self.options]  # fmt: skip
        environment = {"SEGMENTATION_STUDIO_WORKSPACE": str(self.workspace), **self.environment}
        self.process: Started | subprocess.Popen[bytes]
        if self.is_forked:
            self.process = Started(*arguments, environment=environment)
        else:
            self.process = subprocess.Popen(
                [sys.executable, *arguments], cwd=PROJECT, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, env={**os.environ, **environment},
            )  # fmt: skip
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1):
                    return
            except OSError:
                time.sleep(0.2)
        pytest.fail("the app did not start within 60 s")

    def _know_the_speed(self) -> None:
        """The Train page would measure the machine in the middle of a test."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SEGMENTATION_STUDIO_WORKSPACE", str(self.workspace))
            estimate.note(TrainConfig("-"), 1000, 200, epoch_seconds=60.0, loading=5.0)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
