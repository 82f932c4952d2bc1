"""One model for everybody: predictions wait in one queue and go through the network together."""

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
# On a CPU one photo keeps all cores busy, and of several the activations leave the caches: with
# person-lite0 on two cores eight together took half as long again as one after the other.
TOGETHER_ON_CPU = 1
MAX_WAITING = 64
PATIENCE = 120.0  # seconds after which an answer is given up


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    photo: Prepared
    answer: "Future[Maps]"


class _Queue:
    """Photos that wait, in the order in which they came. Those of a visitor who has given up leave it."""

    def __init__(self) -> None:
        self._waiting: deque[_Asked] = deque()
        self._changed = threading.Condition()
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, asked: Sequence[_Asked]) -> None:
        """All of them or none. Raises BusyError where others wait and these would be too many."""
        with self._changed:
            if self._waiting and len(self._waiting) + len(asked) > MAX_WAITING:
                raise BusyError("Too many photos are waiting for this model: try again in a moment.")
            self._waiting.extend(asked)
            self._changed.notify()

    def withdraw(self, asked: Sequence[_Asked]) -> None:
        """Those of them that still wait are not predicted."""
        with self._changed:
            self._waiting = deque(item for item in self._waiting if item not in asked)

    def take(self, most: int) -> list[_Asked]:
        """Waits for the next photo; returns it with others of its padded shape, `most` in all. Empty once
        the queue is closed."""
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
    """In all queues of this process."""
    return sum(one.waiting for one in list(_all))


class SharedPredictor(Predictor):
    """A Predictor for many threads: each waits its turn, and photos of one shape go together.

    Without it thirty sessions would run thirty networks at once, each on all cores, and all be slow.
    """

    def __init__(self, folder: Path, device: str = "auto") -> None:
        """Raises UserError when the folder holds no readable model or the device is absent."""
        super().__init__(folder, device)
        self._queue = _Queue()
        # The thread knows the network and not this object: when nobody holds that any more, both go.
        network = Predictor.of(self.network, self.card, self.device)
        name = f"predict {folder.name}"
        threading.Thread(target=_work, args=(network, self._queue), daemon=True, name=name).start()
        weakref.finalize(self, self._queue.close)
        _all.add(self)

    @property
    def waiting(self) -> int:
        """How many photos wait."""
        return len(self._queue)

    def forward(self, photos: Sequence[Prepared]) -> list[Maps]:
        """As Predictor's, after those that asked before. Raises BusyError where too many wait, or the
        model does not get to a photo within PATIENCE seconds."""
        asked = [_Asked(photo, Future()) for photo in photos]
        self._queue.put(asked)
        try:
            return [item.answer.result(PATIENCE) for item in asked]
        except TimeoutError:
            raise BusyError("The model did not get to this photo in time: try again in a moment.") from None
        finally:
            self._queue.withdraw(asked)


def _work(network: Predictor, waiting: _Queue) -> None:
    """What the queue's thread does, until nobody can ask any more."""
    together = TOGETHER_ON_CPU if network.device == "cpu" else TOGETHER_ON_GPU
    while batch := waiting.take(together):
        try:
            answers = network.forward([item.photo for item in batch])
        except Exception as error:  # it belongs to whoever asked, and the queue goes on
            for item in batch:
                item.answer.set_exception(error)
            continue
        for item, maps in zip(batch, answers, strict=True):
            item.answer.set_result(maps)
