"""What a model predicted on a part of a data set: made once, kept, opened again in a moment.

It is made in pieces. One that was broken off goes on where it was, and two that ask at once wait for
one and the same.
"""

import hashlib
import io
import json
import shutil
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pandas as pd
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from core import workspace
from core.data.classes import nearest
from core.data.dataset import DataFolder, for_model
from core.data.pairing import Pair, Problem
from core.data.store import read_pair
from core.errors import UserError
from core.evaluation import thresholds
from core.evaluation.boundaries import boundary_iou, hausdorff
from core.evaluation.contenders import Contender
from core.pictures import display_size, fit_map
from core.task import IGNORE, Task
from core.workspace import read_json, write_atomically, write_json

if TYPE_CHECKING:
    from core.evaluation.scoring import Scored
    from core.inference import Predictor
    from core.metrics import Counts

INDEX, TABLE, COUNTS, HISTOGRAMS = "index.json", "table.parquet", "counts.npy", "histograms.npy"
LAYOUT = 3  # raised when what is kept changes
SHOWN_SIDE = 480  # pixels of the longer side in rows of pictures
EDGE_SIDE = 1536  # edges of larger photos are measured at this size
PIECE = 64  # images between two saves
TIMED = 5  # forward passes that are timed


@dataclass(frozen=True, slots=True)
class Evaluation:
    """`table` has a row an image: name, height, width, brightness, foreground (shares in 0..1),
    boundary_iou, hd95 (pixels), the last two at `threshold`.

    counts: int64 (images, classes, 4): TP, FP, FN, TN at `threshold`. histograms: uint32 (images, 2,
    bins) and sums (bins,) as core.evaluation.thresholds has them, for binary tasks. `confusion`: pixels
    of class i taken for class j, where a pixel has one class. `milliseconds` of one forward pass.
    """

    folder: Path
    task: Task
    threshold: float
    table: pd.DataFrame
    counts: NDArray[np.int64]
    histograms: NDArray[np.uint32] | None
    sums: NDArray[np.float64]
    confusion: list[list[int]]
    problems: list[Problem]
    milliseconds: float
    device: str

    def counts_at(self, threshold: float) -> "Counts":
        """Confusion counts of every image; of several classes, those that were made."""
        import torch

        from core.metrics import Counts

        if self.histograms is None or threshold == self.threshold:
            columns = (np.ascontiguousarray(self.counts[..., i]) for i in range(4))
            return Counts(*(torch.from_numpy(c) for c in columns))
        return thresholds.counts_at(self.histograms, thresholds.step_of(threshold))

    def judged(self, threshold: float) -> pd.DataFrame:
        """The table with each image's dice, iou, precision, recall and pixel_accuracy."""
        from core import metrics

        scores = metrics.image_scores(self.counts_at(threshold), self.task)
        return self.table.assign(**{name: values.numpy() for name, values in scores.items()})

    def kept(self, name: str) -> NDArray[np.uint8]:
        """The foreground's probability times 255, or labels, uint8 (h, w), at no less than the size at
        which the network gave them."""
        file = _kept_file(self.folder, name)
        picture = cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
        if picture is None:
            raise UserError(f"The kept prediction of {name} is damaged: delete {self.folder}.")
        return np.asarray(picture, np.uint8)


@dataclass(frozen=True, slots=True)
class Panels:
    """What is shown of one image, at one size: photo (h, w, 3), true and predicted labels (h, w), and the
    foreground's probability, float32 (h, w), where the task is binary."""

    photo: NDArray[np.uint8]
    truth: NDArray[np.uint8]
    predicted: NDArray[np.uint8]
    probability: NDArray[np.float32] | None


def evaluate(
    contender: Contender, data: DataFolder, part: str = "validation", names: Collection[str] | None = None
) -> Iterator[int | Evaluation]:
    """Predict a part's images, or of these those that are named, yielding how many are done, then the
    Evaluation; found again when model, files and split are the same.

    Raises UserError when nothing can be scored.
    """
    pairs = [pair for pair in data.part(part) if names is None or pair.name in names]
    if not pairs:
        raise UserError(f"{data.name} has no {part} part: deal the photos anew on the Data page.")
    folder = workspace.cache() / "evaluations" / _fingerprint(contender, data, pairs)
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_name(f".{folder.name}.lock"))
    making = folder.with_name(f"{folder.name}.part")
    while not (folder / INDEX).is_file():
        try:
            lock.acquire(timeout=0.5)
        except Timeout:  # another page or program makes the same one
            yield sum(PIECE for _ in making.glob("*.npz"))
            continue
        try:
            if not (folder / INDEX).is_file():
                making.mkdir(exist_ok=True)
                yield from _make(contender, data, pairs, making)
                shutil.rmtree(folder, ignore_errors=True)
                making.rename(folder)
        finally:
            lock.release()
    yield _opened(folder)


def panels(
    found: Evaluation, pair: Pair, data: DataFolder, threshold: float, side: int = SHOWN_SIDE
) -> Panels:
    """Photo, mask and prediction of one image, its longer side at most `side` pixels. Raises UserError
    if a file is gone."""
    rule = for_model(data, found.task).rule
    photo, labels = read_pair(pair, rule, max_side=side)
    photo = display_size(photo, side)
    size = photo.shape[0], photo.shape[1]
    try:
        kept = found.kept(pair.name)
    except OSError as error:
        raise UserError(f"The prediction of {pair.name} is gone: reload the page to make it anew.") from error
    if found.task.kind != "binary":
        return Panels(photo, rule.resize(labels, size), nearest(kept, size), None)
    probability = fit_map(kept.astype(np.float32) / np.float32(255), size)
    predicted = (probability >= threshold).astype(np.uint8)
    return Panels(photo, rule.resize(labels, size), predicted, probability)


def _make(contender: Contender, data: DataFolder, pairs: Sequence[Pair], folder: Path) -> Iterator[int]:
    from core.evaluation.scoring import each_scored

    predictor, rule = contender.make(), for_model(data, contender.card.task).rule
    task, level = contender.card.task, contender.card.threshold
    side = max(SHOWN_SIDE, contender.card.long_side)
    for first in range(0, len(pairs), PIECE):
        some, file = pairs[first : first + PIECE], folder / f"{first:08d}.npz"
        if not file.is_file():
            piece = _Piece(task)
            for result in each_scored(predictor, some, rule, level, partial(_measure, task, folder, side)):
                piece.add(result)
                yield first + piece.seen
            piece.save(file)
        yield first + len(some)
    milliseconds = _forward_time(predictor, contender.card.long_side)
    _join(folder, task, level, milliseconds, predictor.device, f"No image of {data.name} can be scored.")


@dataclass(frozen=True, slots=True)
class _Measured:
    """What is kept of one image beside its picture."""

    row: dict[str, Any]
    counts: NDArray[np.int64]
    histogram: NDArray[np.uint32] | None
    sums: NDArray[np.float64] | None
    confusion: NDArray[np.int64] | None


def _measure(task: Task, folder: Path, side: int, result: "Scored") -> _Measured:
    """Everything that is worth knowing of one image; its picture goes into the folder."""
    file = _kept_file(folder, result.name)
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(_kept_picture(result, side))
    c, histogram, sums = result.counts, None, None
    if result.probability is not None:
        histogram, sums = thresholds.histogram(result.probability, result.truth)
    return _Measured(
        _row(result, task),
        np.stack([x[0].numpy() for x in (c.tp, c.fp, c.fn, c.tn)], axis=1),
        histogram,
        sums,
        None if result.confusion is None else result.confusion.numpy(),
    )


class _Piece:
    """Some images' results on their way to a file."""

    def __init__(self, task: Task) -> None:
        self.task, self.seen = task, 0
        self.rows: list[dict[str, Any]] = []
        self.problems: list[Problem] = []
        self.counts: list[NDArray[np.int64]] = []
        self.histograms: list[NDArray[np.uint32]] = []
        self.sums = np.zeros(thresholds.STEPS + 1)
        self.confusion = np.zeros((task.outputs, task.outputs), np.int64)

    def add(self, result: _Measured | Problem) -> None:
        self.seen += 1
        if isinstance(result, Problem):
            self.problems.append(result)
            return
        self.rows.append(result.row)
        self.counts.append(result.counts)
        if result.histogram is not None and result.sums is not None:
            self.histograms.append(result.histogram)
            self.sums += result.sums
        if result.confusion is not None:
            self.confusion += result.confusion

    def save(self, file: Path) -> None:
        stream = io.BytesIO()
        np.savez(
            stream,
            rows=np.array(json.dumps(self.rows)),
            problems=np.array(json.dumps([[p.name, p.sentence] for p in self.problems])),
            counts=np.array(self.counts, np.int64).reshape(-1, self.task.outputs, 4),
            histograms=np.array(self.histograms, np.uint32).reshape(-1, 2, thresholds.STEPS + 1),
            sums=self.sums,
            confusion=self.confusion,
        )
        write_atomically(file, stream.getvalue())


def _join(folder: Path, task: Task, level: float, milliseconds: float, device: str, nothing: str) -> None:
    """The pieces as one, and the pieces gone."""
    files = sorted(folder.glob("*.npz"))
    pieces = [dict(np.load(io.BytesIO(file.read_bytes()))) for file in files]
    rows = [row for piece in pieces for row in json.loads(str(piece["rows"]))]
    if not rows:
        raise UserError(f"{nothing} Look at it on the Data page.")
    pd.DataFrame(rows).to_parquet(folder / TABLE)
    np.save(folder / COUNTS, np.concatenate([piece["counts"] for piece in pieces]))
    if task.kind == "binary":
        np.save(folder / HISTOGRAMS, np.concatenate([piece["histograms"] for piece in pieces]))
    index = {
        "task": task.to_dict(),
        "threshold": level,
        "milliseconds": milliseconds,
        "device": device,
        "sums": sum(piece["sums"] for piece in pieces).tolist(),
        "confusion": sum(piece["confusion"] for piece in pieces).tolist()
        if task.kind == "multiclass"
        else [],
        "problems": [problem for piece in pieces for problem in json.loads(str(piece["problems"]))],
    }
    write_json(folder / INDEX, index)
    for file in files:
        file.unlink()


def _row(result: "Scored", task: Task) -> dict[str, Any]:
    height, width = result.truth.shape
    inside = (result.truth > 0) & (result.truth != IGNORE)
    scale = min(1.0, EDGE_SIDE / max(height, width))
    truth, predicted = result.truth, result.predicted
    if scale < 1:
        size = round(height * scale), round(width * scale)
        truth, predicted = nearest(truth, size), nearest(predicted, size)
    rims, distances = [], []
    for ours, theirs in _layers(truth, predicted, task):
        rims.append(boundary_iou(ours, theirs))
        distances.append(hausdorff(ours, theirs) / scale)
    known = [d for d in distances if np.isfinite(d)]
    return {
        "name": result.name, "height": height, "width": width, "brightness": result.brightness,
        "foreground": float(inside.mean()), "boundary_iou": float(np.mean(rims)) if rims else 1.0,
        "hd95": float(np.mean(known)) if known else None,
    }  # fmt: skip


def _layers(
    truth: NDArray[np.uint8], predicted: NDArray[np.uint8], task: Task
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """True and predicted mask of the foreground, or of each class that occurs. Ignored pixels are taken
    as predicted."""
    if task.kind == "binary":
        yield (truth > 0).astype(np.uint8), predicted
        return
    if task.kind == "multiclass":
        truth = np.where(truth == IGNORE, predicted, truth)
    for index in range(task.outputs):
        if task.kind == "multiclass":
            ours, theirs = truth == index, predicted == index
        else:
            ours, theirs = (truth >> index & 1) > 0, (predicted >> index & 1) > 0
        if ours.any() or theirs.any():
            yield ours.astype(np.uint8), theirs.astype(np.uint8)


def _kept_picture(result: "Scored", side: int) -> bytes:
    if result.probability is not None:
        shown = display_size((result.probability * np.float32(255) + np.float32(0.5)).astype(np.uint8), side)
    else:
        scale = min(1.0, side / max(result.predicted.shape))
        height, width = (max(1, round(n * scale)) for n in result.predicted.shape)
        shown = nearest(result.predicted, (height, width))
    done, png = cv2.imencode(".png", shown, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    assert done
    return bytes(png)


def _forward_time(predictor: "Predictor", side: int) -> float:
    """Median milliseconds of one square photo at the model's own size, after one that warms up."""
    ready = predictor.prepare(np.zeros((side, side, 3), np.uint8))
    seconds = []
    for _ in range(TIMED + 1):
        start = time.perf_counter()
        predictor.forward([ready])
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds[1:])) * 1000


def _opened(folder: Path) -> Evaluation:
    index = read_json(folder / INDEX)
    histograms = folder / HISTOGRAMS
    return Evaluation(
        folder,
        Task.from_dict(index["task"]),
        index["threshold"],
        pd.read_parquet(folder / TABLE),
        np.load(folder / COUNTS),
        np.load(histograms, mmap_mode="r") if histograms.is_file() else None,
        np.array(index["sums"]),
        index["confusion"],
        [Problem(*p) for p in index["problems"]],
        index["milliseconds"],
        index["device"],
    )


def _kept_file(folder: Path, name: str) -> Path:
    hashed = hashlib.sha256(name.encode()).hexdigest()
    return folder / hashed[:2] / f"{hashed[2:24]}.png"


def _fingerprint(contender: Contender, data: DataFolder, pairs: Sequence[Pair]) -> str:
    card = contender.card
    # Every threshold of the grid is kept, and several classes have none.
    kept = card.task.kind == "multiclass" or (
        card.task.kind == "binary" and thresholds.on_grid(card.threshold)
    )
    level = None if kept else card.threshold
    digest = hashlib.sha256(repr((LAYOUT, contender.key, level, card.long_side)).encode())
    digest.update(repr(for_model(data, card.task).rule.to_dict()).encode())
    for pair in pairs:
        digest.update(str(pair.inverted).encode())
        for path in pair.files:
            stat = path.stat()
            digest.update(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:32]
