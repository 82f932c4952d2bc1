"""Predictions of many photos by workers on a cluster.

Each worker is an actor that has loaded the model once and is given a few photos at a time, so that memory is
bounded however many photos there are, and a photo that was being predicted on a node that is lost is given to
another worker. Plain actors rather than Ray Data: the input is a list of paths and the output files, so that
there is no table to partition; and each photo must end either as files or as a sentence that names it.
"""

import socket
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.cluster.connection import Demand, connected, prepare_worker, slots
from core.cluster.packing import Pack, pack
from core.cutout_settings import CutOutSettings
from core.errors import UserError
from core.models.card import ModelCard
from core.policy.permissions import OWNER, acting_as, needs

CHUNK = 4  # photos that a worker is given at once
AHEAD = 2  # such chunks: one is predicted while the next is on its way
MOST_TRIES = 3  # of a photo whose worker is lost each time: it may be what ends it
LOOK_SECONDS = 2.0  # between two looks at how many workers there is room for
PATIENCE_SECONDS = 120.0  # without a single node that has room for a worker


@dataclass(frozen=True, slots=True)
class Work:
    """What every worker does: `kinds` of results of a model, on `device` of its node. `card` takes the place
    of the model's own."""

    model: Path
    kinds: tuple[str, ...]
    settings: CutOutSettings
    device: str = "auto"
    card: ModelCard | None = None


@dataclass(frozen=True, slots=True)
class Photo:
    """`number` is the caller's, and `name` what results and messages call it."""

    number: int
    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class Result:
    """The files of each kind, or why there are none."""

    photo: Photo
    files: dict[str, bytes] = field(default_factory=dict)
    error: str = ""


@needs("train")
def predict(photos: Sequence[Photo], work: Work, address: str, demand: Demand) -> Iterator[Result]:
    """The result of every photo, in the order in which they are ready, by as many workers as the nodes have
    room for. The photos are read by the nodes where they see them under the same path, else sent.

    Raises UserError where there is no cluster, none of its nodes has room for two minutes, or the model
    cannot be loaded.
    """
    with connected(address):
        yield from WorkerPool(work, demand).results(photos)


@dataclass(slots=True)
class Chunk:
    photos: tuple[Photo, ...]
    tries: int = 0


@dataclass(slots=True, eq=False)
class _Member:
    """A worker. `reads` says whether it sees the photos' folder; None until it has loaded the model."""

    actor: Any  # a Worker
    reads: bool | None = None
    busy: int = 0


class WorkerPool:
    """The workers on a cluster that this process is connected to, and what each is doing."""

    def __init__(self, work: Work, demand: Demand) -> None:
        import ray

        self.ray, self.demand, self.work = ray, demand, work
        self.model = ray.put(pack(work.model.resolve()))
        self.members: list[_Member] = []
        self.calls: dict[Any, tuple[_Member, Chunk | None]] = {}  # None: it is loading the model
        self.looked, self.had_room = 0.0, time.monotonic()

    def warm_up(self, photos: Sequence[Photo]) -> None:
        """Wait until every worker that there is room for has loaded the model. `results` does not wait."""
        while not self.members or any(member.reads is None for member in self.members):
            self._fill(photos)
            assert not [*self._wait(deque())]

    def results(self, photos: Sequence[Photo]) -> Iterator[Result]:
        """As `predict` returns them."""
        chunks = deque(Chunk(tuple(photos[i : i + CHUNK])) for i in range(0, len(photos), CHUNK))
        while chunks or any(chunk for _, chunk in self.calls.values()):
            self._fill(photos)
            self._hand_out(chunks)
            yield from self._wait(chunks)

    def _wait(self, chunks: deque[Chunk]) -> Iterator[Result]:
        """What has come after a moment."""
        if not self.calls:
            time.sleep(LOOK_SECONDS)
            return
        ended, _ = self.ray.wait([*self.calls], timeout=LOOK_SECONDS)
        for call in ended:
            yield from self._ended(call, chunks)

    def _fill(self, photos: Sequence[Photo]) -> None:
        """Start a worker wherever there is room for one more."""
        if time.monotonic() - self.looked < LOOK_SECONDS:
            return
        self.looked = time.monotonic()
        room = slots(self.demand)
        if room or self.members:
            self.had_room = self.looked
        elif self.looked - self.had_room > PATIENCE_SECONDS:
            raise UserError(f"No node of the cluster has room for a worker with {self.demand}.")
        for _ in range(len(self.members), min(room, -(-len(photos) // CHUNK))):
            remote: Any = self.ray.remote(Worker)
            actor = remote.options(**self.demand.options).remote(self.model, self.work)
            member = _Member(actor)
            self.members.append(member)
            self.calls[actor.sees.remote(str(photos[0].path))] = (member, None)

    def _hand_out(self, chunks: deque[Chunk]) -> None:
        for busy in range(AHEAD):  # everybody the first before anybody the second
            for member in self.members:
                if member.reads is not None and member.busy == busy and chunks:
                    chunk = chunks.popleft()
                    sent = [(photo, b"" if member.reads else _content(photo)) for photo in chunk.photos]
                    self.calls[member.actor.predict.remote(sent)] = (member, chunk)
                    member.busy += 1

    def _ended(self, call: Any, chunks: deque[Chunk]) -> Iterator[Result]:
        """What one call has brought."""
        member, chunk = self.calls.pop(call)
        try:
            found = self.ray.get(call)
        except self.ray.exceptions.RayTaskError:  # a mistake of this project
            raise
        except self.ray.exceptions.RayError:  # the worker, its node or what it had found are gone
            yield from self._lost(member, chunk, chunks)
            return
        if chunk is None and isinstance(found, str):
            raise UserError(found)
        if chunk is None:
            member.reads = found
            return
        member.busy -= 1
        yield from found

    def _lost(self, member: _Member, chunk: Chunk | None, chunks: deque[Chunk]) -> Iterator[Result]:
        """Its photos go to others, one by one: one that ends its worker should not take others along."""
        if member in self.members:
            self.members.remove(member)
            self.looked = 0.0
        if chunk is None:
            return
        if len(chunk.photos) == 1 and chunk.tries + 1 >= MOST_TRIES:
            (photo,) = chunk.photos
            yield Result(photo, error=f"{photo.name}: its worker was lost {MOST_TRIES} times.")
            return
        again = [Chunk((photo,), chunk.tries + (len(chunk.photos) == 1)) for photo in chunk.photos]
        chunks.extendleft(reversed(again))


def _content(photo: Photo) -> bytes:
    """Of a photo that is sent; empty where it cannot be read, which its worker then says."""
    try:
        return photo.path.read_bytes()
    except OSError:
        return b""


class Worker:
    """The actor on a node: a model, loaded once."""

    def __init__(self, model: Pack, work: Work) -> None:
        self.work, self.error = work, ""
        prepare_worker()
        from core.inference.predictor import Predictor

        with acting_as(OWNER):
            try:
                self.predictor = Predictor(model.unpacked(), work.device, work.card)
            except UserError as error:
                self.error = f"{error} (on {socket.gethostname()})"

    def sees(self, path: str) -> bool | str:
        """Whether this node has the file; why the model cannot be used, if so."""
        return self.error or Path(path).is_file()

    def predict(self, sent: list[tuple[Photo, bytes]]) -> list[Result]:
        """The results of these photos. An empty content means that this node reads the file itself."""
        return [self._one(photo, content) for photo, content in sent]

    def _one(self, photo: Photo, content: bytes) -> Result:
        from core.data.photos import read_photo
        from core.inference.cutout import files_of, segment

        predictor = self.predictor
        with acting_as(OWNER):
            try:
                source = content or photo.path
                pixels = read_photo(source, photo.path.name, value_range=predictor.card.value_range)
                found = segment(pixels, predictor, self.work.settings)
                return Result(photo, files_of(found, self.work.kinds, photo.name))
            except UserError as error:
                return Result(photo, error=str(error))
