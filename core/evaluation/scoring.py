"""Scoring a model on photos at their own size.

On a CPU the network keeps every core busy, so reading, predicting and counting alternate, each on all cores;
on a GPU the next photos are read while the network runs.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from core.data.classes import MaskEncoding
from core.data.pairing import Pair, Problem
from core.data.photos import photo_size
from core.data.store import read_pair
from core.errors import UserError
from core.evaluation import metrics
from core.evaluation.metrics import Counts
from core.imaging.guided_filter import enlarge
from core.inference.predictor import Maps, Predictor, Prepared, resized
from core.system.parallel import all_cores
from core.task import IGNORE, Task

_Used = TypeVar("_Used")
Found = Maps | NDArray[np.uint8]  # logits; of a model with a window, the foreground's probability, or labels
AT_ONCE = 64  # photos read together: each alternation costs, because torch's threads spin for a while
MAX_PIXELS = 64_000_000  # of all of them
BATCH, CPU_BATCH = 16, 2  # photos that the network sees at once; see core.inference.request_queue
MAX_BATCH_PIXELS = 8 * 512 * 512


@dataclass(frozen=True, slots=True)
class Scored:
    """One image's counts, and the labels they were counted on.

    truth and predicted labels uint8 (h, w) at the photo's size, the truth IGNORE where it is void;
    probability of the foreground float32 (h, w) where the task is binary. `confusion` int64 (classes,
    classes), where a pixel has one class. `brightness` is the photo's mean, 0..1.
    """

    name: str
    counts: Counts
    truth: NDArray[np.uint8]
    predicted: NDArray[np.uint8]
    brightness: float
    probability: NDArray[np.float32] | None = None
    confusion: torch.Tensor | None = None


@dataclass(frozen=True, slots=True)
class _Read:
    name: str
    ready: Prepared
    truth: NDArray[np.uint8]
    brightness: float
    photo: NDArray[np.uint8] | None = None  # kept where edges are refined along it


def score_images(
    predictor: Predictor,
    pairs: Sequence[Pair],
    encoding: MaskEncoding,
    threshold: float,
    long_side: int | None = None,
    refine: bool = True,
) -> Iterator[Scored | Problem]:
    """Predict each pair and count, in order. A pair that cannot be used comes out as a Problem.

    With `refine` the mask of one foreground has its edges refined, as the page and `predict` give it by
    default; otherwise it is the enlarged prediction of the network.

    `encoding` reads the masks as the model was trained (`core.data.reading.for_model`). A mask of another
    resolution than its photo is resampled to the photo's.
    """
    return each_scored(predictor, pairs, encoding, threshold, lambda scored: scored, long_side, refine)


def each_scored(
    predictor: Predictor,
    pairs: Sequence[Pair],
    encoding: MaskEncoding,
    threshold: float,
    use: Callable[[Scored], _Used],
    long_side: int | None = None,
    refine: bool = True,
) -> Iterator[_Used | Problem]:
    """The same, but yields the result of `use` for each image, called on whichever core is free."""
    refine = refine and predictor.card.task.kind == "binary"
    read = partial(_read, predictor, encoding, long_side, refine)

    def judge(photo: _Read | Problem, found: Found | None) -> _Used | Problem:
        scored = _judge(predictor, threshold, photo, found)
        return scored if isinstance(scored, Problem) else use(scored)

    chunks = list(_chunks(pairs))
    reads_ahead = not predictor.device.startswith("cpu")
    with all_cores() as pool:
        waiting = _start(pool, read, chunks[0]) if chunks else []
        for number in range(len(chunks)):
            photos = [future.result() for future in waiting]
            following = chunks[number + 1] if number + 1 < len(chunks) else []
            waiting = _start(pool, read, following) if reads_ahead else []
            maps = _predicted(predictor, photos, threshold)
            yield from pool.map(judge, photos, maps)
            waiting = waiting or _start(pool, read, following)


def _chunks(pairs: Sequence[Pair]) -> Iterator[Sequence[Pair]]:
    """Pairs to be read together, fewer where photos are large. The first photo decides for its chunk."""
    first = 0
    while first < len(pairs):
        try:
            height, width = photo_size(pairs[first].image)
        except UserError:
            height, width = 0, 0
        count = max(1, min(AT_ONCE, MAX_PIXELS // max(1, height * width)))
        yield pairs[first : first + count]
        first += count


def _start(
    pool: ThreadPoolExecutor, read: "partial[_Read | Problem]", pairs: Sequence[Pair]
) -> list["Future[_Read | Problem]"]:
    return [pool.submit(read, pair) for pair in pairs]


def _read(
    predictor: Predictor, encoding: MaskEncoding, long_side: int | None, keep_photo: bool, pair: Pair
) -> _Read | Problem:
    try:
        photo, stored = read_pair(pair, encoding)
    except UserError as error:
        return Problem(pair.name, str(error))
    ready = predictor.prepare(photo, long_side)
    truth = encoding.resize(stored, (photo.shape[0], photo.shape[1]))
    if encoding.task.has_void and (truth == IGNORE).all():
        return Problem(pair.name, f"The mask of {pair.name} is void everywhere: there is nothing to score.")
    return _Read(pair.name, ready, truth, float(ready.padded.mean()) / 255, photo if keep_photo else None)


def _predicted(
    predictor: Predictor, photos: Sequence[_Read | Problem], threshold: float
) -> list[Found | None]:
    """What the network finds in each photo, those of one shape together; None for a Problem."""
    if predictor.card.window is not None:
        return [_in_windows(predictor, photo, threshold) for photo in photos]
    found: list[Found | None] = [None] * len(photos)
    by_shape: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for i, photo in enumerate(photos):
        if isinstance(photo, _Read):
            by_shape[photo.ready.padded.shape].append(i)
    most = CPU_BATCH if predictor.device == "cpu" else BATCH
    for shape, places in by_shape.items():
        size = max(1, min(most, MAX_BATCH_PIXELS // (shape[0] * shape[1])))
        for first in range(0, len(places), size):
            some = places[first : first + size]
            batch = [photo.ready for i in some if isinstance(photo := photos[i], _Read)]
            for i, maps in zip(some, predictor.forward(batch), strict=True):
                found[i] = maps
    return found


def _in_windows(predictor: Predictor, photo: _Read | Problem, threshold: float) -> Found | None:
    """Of a photo at its own size the logits of all classes would take gigabytes: they are not kept."""
    if isinstance(photo, Problem):
        return None
    if predictor.card.task.kind == "binary":
        return predictor.foreground(photo.ready)
    return predictor.labels_in(photo.ready, threshold)


def _judge(
    predictor: Predictor, threshold: float, photo: _Read | Problem, found: Found | None
) -> Scored | Problem:
    if isinstance(photo, Problem) or found is None:
        return photo if isinstance(photo, Problem) else Problem(photo.name, "not predicted")
    task = predictor.card.task
    probability: Maps | None = None
    if task.kind == "binary":
        probability = _at_own_size(predictor, photo, np.asarray(found, np.float32))
        predicted = (probability >= threshold).astype(np.uint8)
    elif predictor.card.window is not None:
        predicted = np.asarray(found, np.uint8)
    else:
        predicted = predictor.labels_of(np.asarray(found, np.float32), photo.ready.size, threshold)
    counts, confusion = _counted(predicted, photo.truth, task)
    return Scored(photo.name, counts, photo.truth, predicted, photo.brightness, probability, confusion)


def _at_own_size(predictor: Predictor, photo: _Read, found: Maps) -> Maps:
    """The foreground's probability at the photo's size."""
    in_windows = predictor.card.window is not None
    if photo.photo is None:
        size = photo.ready.size
        return resized(found, size) if in_windows else predictor.probability(found, size)
    small = found if in_windows else predictor.probability(found, photo.ready.inner)
    return enlarge(small, photo.photo)


def _counted(
    predicted: NDArray[np.uint8], truth: NDArray[np.uint8], task: Task
) -> tuple[Counts, torch.Tensor | None]:
    if task.kind == "binary":  # the same counts as metrics.count_labels, without torch's threads
        inside, outside, marked = truth == 1, truth == 0, predicted > 0
        tp, fp = int(np.count_nonzero(inside & marked)), int(np.count_nonzero(outside & marked))
        numbers = (tp, fp, int(np.count_nonzero(inside)) - tp, int(np.count_nonzero(outside)) - fp)
        return Counts(*(torch.tensor([[n]]) for n in numbers)), None
    both = torch.from_numpy(predicted)[None], torch.from_numpy(truth)[None]
    counts = metrics.count_labels(*both, task)
    return counts, metrics.confusion(*both, task.outputs) if task.kind == "multiclass" else None
