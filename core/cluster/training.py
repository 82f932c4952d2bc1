"""A training on a cluster, as a run of this workspace.

The run's own process stays here: it alone writes the run's folder, so that pages, Stop and Resume treat the
run like any other. One or several workers on nodes call `fit` in a temporary folder, and the first of them
sends events and files home through a mailbox. A worker that is lost with its node is started again from the
state of the last whole epoch, which is here.
"""

import os
import socket
import tempfile
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from core.cluster.connection import POLL_SECONDS, Demand, connected, prepare_worker, slots
from core.cluster.mailbox import Mailbox, Packet, Sender
from core.cluster.packing import Pack, pack
from core.config import TrainConfig
from core.errors import UserError
from core.policy.permissions import OWNER, acting_as, needs
from core.runs import events, jobs
from core.runs.events import Event, Finished, Note
from core.runs.run_folder import STATE_FILE, Run
from core.system.formatting import plural
from core.system.workspace import make_folder, write_atomically
from core.training.worker import Report, Stop, carry_out

MOST_LOSSES = 5  # of workers, one after the other without a whole epoch in between
LEAVE_SECONDS = 1.5  # that a stopped training has to save its last model


@dataclass(frozen=True, slots=True)
class Place:
    """Where a training runs: the cluster's address, and `workers` that each take `demand`. `packs_data`: the
    data set is sent to the nodes, which else read it under its own path."""

    address: str
    workers: int = 1
    demand: Demand = field(default_factory=Demand)
    packs_data: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker needs. `state` is that of a run to resume; `data` a reference to its Pack."""

    config: TrainConfig
    name: str
    state: bytes = b""
    data: Any = None


@needs("train")
def work(run: Run, place: Place, report: Report) -> str:
    """Train the run on a cluster, from this process. Returns and raises as `core.training.worker.work` does,
    and raises UserError where there is no cluster."""
    os.environ.pop(jobs.POLITE, None)  # this process has little to do, and its workers wait for it
    return carry_out(partial(_train, place), run, report)


def _train(place: Place, run: Run, stopping: Stop, say: Report) -> str:
    with connected(place.address):
        home = _Home(run, say)
        data = _packed(run.config) if place.packs_data else None
        losses, epoch = 0, -1
        while True:
            why = _session(place, home, stopping, data)
            if not why:
                return home.state
            losses = losses + 1 if home.epoch == epoch else 1
            epoch = home.epoch
            if losses > MOST_LOSSES:
                raise UserError(f"The cluster lost this training {losses} times at one epoch: {why}")
            home.notes.append(f"A worker was lost ({why}): going on after epoch {epoch}.")


def _packed(config: TrainConfig) -> Any:
    """The data set in the cluster's object store. Its split is decided here, or every node would do it."""
    import ray

    from core.data.dataset import open_data, write_down

    write_down(open_data(Path(config.data)))
    return ray.put(pack(Path(config.data).resolve()))


def _session(place: Place, home: "_Home", stopping: Stop, data: Any) -> str:
    """One start of the workers. Returns why they were lost; "" where the training has ended."""
    import ray
    from ray.exceptions import RayError, RayTaskError

    state = home.run.folder / STATE_FILE
    job = Job(home.run.config, home.run.id, state.read_bytes() if state.is_file() else b"", data)
    actor: Any = ray.remote(Mailbox)
    mailbox = actor.options(num_cpus=0, scheduling_strategy=_here()).remote()
    home.wait(place)
    try:
        return _follow(_started(place, job, mailbox), mailbox, home, stopping)
    except RayTaskError:  # a mistake of this project
        raise
    except RayError as error:
        return type(error).__name__
    finally:
        ray.kill(mailbox)  # a worker that still trains ends with its next post


def _follow(ended: "Future[None]", mailbox: Any, home: "_Home", stopping: Stop) -> str:
    """Until the workers have ended. Returns as `_session`."""
    import ray

    asked = 0.0
    while True:
        has_ended = ended.done()  # before the last packets are taken
        for packet in ray.get(mailbox.take.remote()):
            home.receive(packet)
        if has_ended:
            return _why_lost(ended)
        if stopping.is_set():
            asked = asked or time.monotonic()
            mailbox.stop.remote()
            if not home.is_training or time.monotonic() - asked > LEAVE_SECONDS:
                home.state = "stopped"
                return ""
        time.sleep(POLL_SECONDS / 3)


def _here() -> Any:
    """This process's own node."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)


def _started(place: Place, job: Job, mailbox: Any) -> "Future[None]":
    """The workers on their way: one as a task, several through Ray Train."""
    import ray

    if place.workers == 1:
        options = {**place.demand.options, "max_retries": 0}
        future: Future[None] = ray.remote(train_one).options(**options).remote(job, mailbox).future()
        return future
    ended: Future[None] = Future()
    thread = threading.Thread(target=_train_several, args=(place, job, mailbox, ended), daemon=True)
    thread.start()
    return ended


def _train_several(place: Place, job: Job, mailbox: Any, ended: "Future[None]") -> None:
    """Ray Train starts the workers and joins them to a process group; nothing is kept in its storage."""
    from ray.train import RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer

    on_gpus = place.demand.gpus > 0
    with tempfile.TemporaryDirectory() as storage:
        trainer = TorchTrainer(
            train_among_several,
            train_loop_config={"job": job, "mailbox": mailbox},
            torch_config=TorchConfig(backend="nccl" if on_gpus else "gloo"),
            scaling_config=ScalingConfig(
                num_workers=place.workers, use_gpu=on_gpus, resources_per_worker=place.demand.resources
            ),
            run_config=RunConfig(name=job.name, storage_path=storage),
        )
        try:
            trainer.fit()
            ended.set_result(None)
        except Exception as error:  # read by _why_lost
            ended.set_exception(error)


def _why_lost(ended: "Future[None]") -> str:
    """Why the workers were lost; "" where they ended by themselves. Raises what they raised."""
    from ray.exceptions import RayError, RayTaskError

    error = ended.exception()
    if error is None:
        return ""
    failures = [*getattr(error, "worker_failures", {}).values()] or [error]
    for failure in failures:
        if isinstance(failure, RayTaskError) or not isinstance(failure, RayError):
            raise failure
    return type(failures[0]).__name__


class _Home:
    """The run's folder, and what comes for it. `epoch` is the last whole one."""

    def __init__(self, run: Run, say: Report) -> None:
        self.run, self.say = run, say
        self.state, self.is_training, self.epoch = "finished", False, 0
        self.notes: list[str] = []
        self._listener: Any = None

    def wait(self, place: Place) -> None:
        """Until a worker has begun, which may be long where the nodes have no room."""
        self.is_training = False
        self.run.set_status("queued", "Waiting for room on the cluster.")
        if (room := slots(place.demand)) < place.workers:
            self.say(Note(
                f"The cluster has {plural(room, 'place')} for workers with {place.demand}, and the training "
                f"needs {place.workers}: it begins once there are enough.", "warning",
            ))  # fmt: skip

    def receive(self, packet: Packet) -> None:
        if not self.is_training:
            self.is_training = True
            self.run.set_status("running")
        if packet.error:
            raise UserError(packet.error)
        if packet.resumed_after is not None:
            self.epoch = packet.resumed_after
            self.run.forget_after(self.epoch or -1)  # of a first start there is nothing to keep
            while self.notes:
                self.say(Note(self.notes.pop(0), "warning"))
        for name, content in packet.files.items():
            target = self.run.folder / name
            make_folder(target.parent)
            write_atomically(target, content)
        for event in events.from_lines(packet.lines):
            self._hear(event)

    def _hear(self, event: Event) -> None:
        self.say(event)
        if self._listener is None:
            from core.training.loggers import Listener

            self._listener = Listener(self.run, lambda sentence: self.say(Note(sentence, "warning")))
        self._listener(event)
        self.epoch = max(self.epoch, getattr(event, "epoch", 0) if isinstance(event, events.Preview) else 0)
        if isinstance(event, Finished):
            self.state = "finished" if event.reason == "done" else "stopped"


def train_one(job: Job, mailbox: Any) -> None:
    """A whole training, on a node."""
    _train_here(job, mailbox, is_first=True)


def train_among_several(settings: dict[str, Any]) -> None:
    """One worker of several, which Ray Train has joined. On CPUs each counts as a machine of its own, so that
    nodes need not have the same number of workers."""
    if os.environ.get("ACCELERATE_TORCH_DEVICE", "cpu").startswith("cpu"):
        os.environ.update(NODE_RANK=os.environ["RANK"], LOCAL_RANK="0", LOCAL_WORLD_SIZE="1")
    _train_here(settings["job"], settings["mailbox"], is_first=os.environ["RANK"] == "0")


def _train_here(job: Job, mailbox: Any, is_first: bool) -> None:
    import ray

    from core.training.checkpoint import epoch_of
    from core.training.loop import fit

    prepare_worker()
    with acting_as(OWNER), tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / job.name
        folder.mkdir()
        if job.state:
            (folder / STATE_FILE).write_bytes(job.state)
        try:
            packed = ray.get(job.data) if job.data is not None else None
            config = replace(job.config, data=str(data_here(job.config.data, packed)))
            if not is_first:
                for _ in fit(config, folder):
                    pass
                return
            sender = Sender(folder, partial(_post, mailbox), (config.data, job.config.data))
            sender.send(resumed_after=epoch_of(folder) if job.state else 0)
            sender(Note(f"Training on {socket.gethostname()}."))
            for event in fit(config, folder, sender.should_stop):
                sender(event)
            sender.send(is_last=True)
        except UserError as error:
            ray.get(mailbox.post.remote(Packet(error=str(error))))


def _post(mailbox: Any, packet: Packet) -> bool:
    """Send it once what was sent before has been taken: files should not pile up. Returns whether to stop."""
    import ray

    while packet.files and not ray.get(mailbox.is_empty.remote()):
        time.sleep(POLL_SECONDS / 3)
    return bool(ray.get(mailbox.post.remote(packet)))


def data_here(path: str, packed: Pack | None) -> Path:
    """The data set's folder on this node: unpacked, or under its own path. Raises UserError where there is
    none."""
    if packed is not None:
        return packed.unpacked()
    if not Path(path).is_dir():
        raise UserError(
            f"The node {socket.gethostname()} has no folder {path}: share it with all nodes under this path, "
            "or send it with --pack-data."
        )
    return Path(path)
