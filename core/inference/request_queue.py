"""A model shared by all threads: predictions wait in one queue, and a GPU takes them in batches."""

import threading
import weakref
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from core.inference.predictor import Maps, Predictor, Prepared
from core.system.concurrency import BusyError

TOGETHER_ON_GPU = 8  # photos in one forward pass
# On a CPU one photo uses all cores, and the activations of several do not fit into the caches: with
# person-lite0 on two cores a batch of eight took half as long again as eight single photos.
TOGETHER_ON_CPU = 1
MAX_WAITING = 64
PATIENCE = 120.0  # seconds until a waiting photo is given up


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    photo: Prepared
    answer: "Future[Maps]"


class _Queue:
    """Waiting photos, first come, first served. Cancelled ones are removed."""

    def __init__(self) -> None:
        self._waiting: deque[_Asked] = deque()
        self._changed = threading.Condition()
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, asked: Sequence[_Asked]) -> None:
        """Add all of them or none. Raises BusyError if the queue is too full for them."""
        with self._changed:
            if self._waiting and len(self._waiting) + len(asked) > MAX_WAITING:
                raise BusyError("Too many photos are waiting for this model: try again in a moment.")
            self._waiting.extend(asked)
            self._changed.notify()

    def withdraw(self, asked: Sequence[_Asked]) -> None:
        """Remove those that still wait."""
        with self._changed:
            self._waiting = deque(item for item in self._waiting if item not in asked)

    def take(self, most: int) -> list[_Asked]:
        """Wait for the next photo; returns up to `most` photos of its padded shape, or none once the queue is
        closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closed)
            if not self._waiting:
                return []
            shape = self._waiting[0].photo.padded.shape
            batch = [item for item in self._waiting if item.photo.padded.shape == shape][:most]
            self._waiting = deque(item for item in self._waiting if item not in batch)
            return batch

    def close(self) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify()


_all: "weakref.WeakSet[SharedPredictor]" = weakref.WeakSet()


def photos_waiting() -> int:
    """The number of photos in all queues of this process."""
    return sum(one.waiting for one in list(_all))


class SharedPredictor(Predictor):
    """A Predictor for many threads: each waits its turn, and photos of one shape go together.

    Without it thirty sessions would run thirty networks at once, each on all cores, and all be slow.
    """

    def __init__(self, folder: Path, device: str = "auto") -> None:
        """Raises UserError if the folder has no readable model or the device is not available."""
        super().__init__(folder, device)
        self._queue = _Queue()
        # The thread refers to the network, not to this object, so that both can be garbage-collected.
        network = Predictor.on(self._network, self.card)
        name = f"predict {folder.name}"
        threading.Thread(target=_work, args=(network, self._queue), daemon=True, name=name).start()
        weakref.finalize(self, self._queue.close)
        _all.add(self)

    @property
    def waiting(self) -> int:
        """The number of waiting photos."""
        return len(self._queue)

    def forward(self, photos: Sequence[Prepared]) -> list[Maps]:
        """Predictor.forward, after the photos that already wait. Raises BusyError if the queue is full or a
        photo waits longer than PATIENCE seconds."""
        asked = [_Asked(photo, Future()) for photo in photos]
        self._queue.put(asked)
        try:
            return [item.answer.result(PATIENCE) for item in asked]
        except TimeoutError:
            raise BusyError("The server is too busy for this photo: try again in a moment.") from None
        finally:
            self._queue.withdraw(asked)


def _work(network: Predictor, waiting: _Queue) -> None:
    """The loop of the queue's thread, until the queue is closed."""
    together = TOGETHER_ON_CPU if network.device == "cpu" else TOGETHER_ON_GPU
    while batch := waiting.take(together):
        try:
            answers = network.forward([item.photo for item in batch])
        except Exception as error:  # raised in the thread that asked; the queue continues
            for item in batch:
                item.answer.set_exception(error)
            continue
        for item, maps in zip(batch, answers, strict=True):
            item.answer.set_result(maps)
