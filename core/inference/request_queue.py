"""One model for everybody: predictions wait in one queue and go through the network together."""

import contextlib
import queue
import threading
import weakref
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


@dataclass(slots=True)
class _Asked:
    photo: Prepared
    answer: "Future[Maps]"


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
        self._waiting: queue.Queue[_Asked | None] = queue.Queue(MAX_WAITING)
        # The thread knows the network and not this object: when nobody holds that any more, both go.
        network = Predictor.of(self.network, self.card, self.device)
        name = f"predict {folder.name}"
        threading.Thread(target=_work, args=(network, self._waiting), daemon=True, name=name).start()
        weakref.finalize(self, self._waiting.put, None)
        _all.add(self)

    @property
    def waiting(self) -> int:
        """How many photos wait."""
        return self._waiting.qsize()

    def forward(self, photos: Sequence[Prepared]) -> list[Maps]:
        """As Predictor's, after those that asked before. Raises BusyError where too many wait."""
        asked = [_Asked(photo, Future()) for photo in photos]
        for item in asked:
            try:
                self._waiting.put_nowait(item)
            except queue.Full:
                raise BusyError(
                    "Too many photos are waiting for this model: try again in a moment."
                ) from None
        try:
            return [item.answer.result(PATIENCE) for item in asked]
        except TimeoutError:
            raise BusyError("The model did not get to this photo in time: try again in a moment.") from None


def _work(network: Predictor, waiting: "queue.Queue[_Asked | None]") -> None:
    """What the queue's thread does, until it is told that nobody can ask any more."""
    left: list[_Asked] = []
    together = TOGETHER_ON_CPU if network.device == "cpu" else TOGETHER_ON_GPU
    while True:
        if not left:
            first = waiting.get()
            if first is None:
                return
            left = [first]
        left += _also_waiting(waiting, together - len(left))
        shape = left[0].photo.padded.shape
        batch = [item for item in left if item.photo.padded.shape == shape]
        left = [item for item in left if item.photo.padded.shape != shape]
        try:
            answers = network.forward([item.photo for item in batch])
        except Exception as error:  # it belongs to whoever asked, and the queue goes on
            for item in batch:
                item.answer.set_exception(error)
            continue
        for item, maps in zip(batch, answers, strict=True):
            item.answer.set_result(maps)


def _also_waiting(waiting: "queue.Queue[_Asked | None]", most: int) -> list[_Asked]:
    found: list[_Asked] = []
    with contextlib.suppress(queue.Empty):
        while len(found) < most:
            item = waiting.get_nowait()
            if item is None:
                waiting.put(None)  # for the next round
                break
            found.append(item)
    return found
