"""The connection to a Ray cluster, and what a worker asks of it.

Ray is an extra, requirements-cluster.txt. This package alone imports it, once a cluster is asked for.
Nodes trust each other: Ray sends Python objects by pickle, so whoever reaches a cluster's ports runs code on
every node. The command line is the only way in; the pages do not connect to clusters.
"""

import contextlib
import logging
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import UserError
from core.policy.permissions import needs
from core.system.workspace import PROJECT

CONNECT_SECONDS = 5.0
POLL_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Demand:
    """What one worker takes of its node."""

    cpus: float = 1.0
    gpus: float = 0.0

    def fits(self, resources: Mapping[str, float]) -> int:
        """How many such workers a node with these resources has room for."""
        wanted = {"CPU": self.cpus, "GPU": self.gpus}
        return int(min(resources.get(name, 0.0) // n for name, n in wanted.items() if n > 0))

    def __str__(self) -> str:
        return f"{self.cpus:g} CPU" + (f" and {self.gpus:g} GPU" if self.gpus else "")

    @property
    def options(self) -> dict[str, float]:
        """For `ray.remote`."""
        return {"num_cpus": self.cpus, "num_gpus": self.gpus}

    @property
    def resources(self) -> dict[str, float]:
        """For Ray Train."""
        return {"CPU": self.cpus} | ({"GPU": self.gpus} if self.gpus else {})


@needs("train")
@contextlib.contextmanager
def connected(address: str) -> Iterator[None]:
    """Connect this process to a cluster: "auto" for the one that this machine belongs to, else HOST:PORT of
    its head. The nodes get the code of this project, and need the packages of requirements.txt.

    Raises UserError where Ray is not installed or no cluster answers.
    """
    ray = _ray()
    if ray.is_initialized():
        yield
        return
    _check_answers(address)
    handler = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level=logging.ERROR,
            runtime_env={"py_modules": [str(PROJECT / "core")]},
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise UserError(
            f"No Ray cluster answers at '{address}' ({str(error).splitlines()[0][:200]}): start one with "
            "`ray start --head`, on a machine that belongs to it."
        ) from error
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)  # ray.init puts its own in its place
    try:
        yield
    except ray.exceptions.RayTaskError:  # a mistake of this project
        raise
    except ray.exceptions.RayError as error:
        raise UserError(
            f"The connection to the cluster was lost ({type(error).__name__}): go on with --resume."
        ) from error
    finally:
        ray.shutdown()


def slots(demand: Demand) -> int:
    """How many workers with this demand the nodes that are alive have room for, whoever uses them now."""
    return sum(demand.fits(node["Resources"]) for node in _ray().nodes() if node["Alive"])


def node_folder() -> Path:
    """A folder of this user on this node, which only they can read, for data sets and decoded photos."""
    folder = Path(tempfile.gettempdir()) / f"segmentation-studio-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise UserError(f"{folder} on {socket.gethostname()} belongs to somebody else: delete it.")
    return folder


def prepare_worker() -> None:
    """What a process on a node needs before it works with the project: a workspace of the node."""
    os.environ["SEGMENTATION_STUDIO_WORKSPACE"] = str(node_folder() / "workspace")


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise UserError("Ray is not installed here: pip install -r requirements-cluster.txt") from error
    return ray


def _check_answers(address: str) -> None:
    """Ray itself would try for a minute. Raises UserError where nothing listens at HOST:PORT."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        if address == "auto":
            return
        raise UserError(f"--ray '{address}' names no cluster: give auto, or HOST:PORT of its head.")
    try:
        socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
    except OSError as error:
        raise UserError(
            f"No Ray cluster answers at '{address}': start one there with `ray start --head`."
        ) from error
