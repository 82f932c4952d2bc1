"""What is kept for each image: scores, counts by probability, boundary scores, and a small picture."""

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.data.pairing import Problem
from core.evaluation import thresholds
from core.evaluation.boundaries import boundary_iou, hausdorff
from core.imaging.label_resizing import resize_labels
from core.imaging.rendering import display_size
from core.system.workspace import write_atomically
from core.task import IGNORE, Task

if TYPE_CHECKING:
    from core.evaluation.scoring import Scored

EDGE_SIDE = 1536  # outlines of larger photos are measured at this size


@dataclass(frozen=True, slots=True)
class Measured:
    """The results of one image beside its picture."""

    row: dict[str, Any]
    counts: NDArray[np.int64]
    histogram: NDArray[np.uint32] | None
    sums: NDArray[np.float64] | None
    confusion: NDArray[np.int64] | None


def measure(task: Task, folder: Path, side: int, result: "Scored") -> Measured:
    """The results of one image; its picture is written to the folder."""
    file = kept_file(folder, result.name)
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(_kept_picture(result, side))
    c, histogram, sums = result.counts, None, None
    if result.probability is not None:
        histogram, sums = thresholds.histogram(result.probability, result.truth)
    return Measured(
        _row(result, task),
        np.stack([x[0].numpy() for x in (c.tp, c.fp, c.fn, c.tn)], axis=1),
        histogram,
        sums,
        None if result.confusion is None else result.confusion.numpy(),
    )


class Chunk:
    """The results of some images, collected for one file."""

    def __init__(self, task: Task) -> None:
        self.task, self.seen = task, 0
        self.rows: list[dict[str, Any]] = []
        self.problems: list[Problem] = []
        self.counts: list[NDArray[np.int64]] = []
        self.histograms: list[NDArray[np.uint32]] = []
        self.sums = np.zeros(thresholds.BINS)
        self.confusion = np.zeros((task.outputs, task.outputs), np.int64)

    def add(self, result: Measured | Problem) -> None:
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
            histograms=np.array(self.histograms, np.uint32).reshape(-1, 2, thresholds.BINS),
            sums=self.sums,
            confusion=self.confusion,
        )
        write_atomically(file, stream.getvalue())


def _row(result: "Scored", task: Task) -> dict[str, Any]:
    height, width = result.truth.shape
    void = result.truth == IGNORE if task.has_void else np.zeros(result.truth.shape, np.bool_)
    inside = int(np.count_nonzero((result.truth > 0) & ~void))
    share = inside / max(1, result.truth.size - int(np.count_nonzero(void)))
    scale = min(1.0, EDGE_SIDE / max(height, width))
    truth, predicted = result.truth, result.predicted
    if scale < 1:
        size = round(height * scale), round(width * scale)
        truth, predicted = resize_labels(truth, size), resize_labels(predicted, size)
    rims, distances = [], []
    for ours, theirs in _layers(truth, predicted, task):
        rims.append(boundary_iou(ours, theirs))
        distances.append(hausdorff(ours, theirs) / scale)
    known = [d for d in distances if np.isfinite(d)]
    return {
        "name": result.name, "height": height, "width": width, "brightness": result.brightness,
        "foreground": share, "boundary_iou": float(np.mean(rims)) if rims else 1.0,
        "hd95": float(np.mean(known)) if known else None,
    }  # fmt: skip


def _layers(
    truth: NDArray[np.uint8], predicted: NDArray[np.uint8], task: Task
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """True and predicted mask of the foreground, or of each class that occurs. Ignored pixels count as
    predicted."""
    if task.has_void:
        truth = np.where(truth == IGNORE, predicted, truth)
    if task.kind == "binary":
        yield truth, predicted
        return
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
        shown = resize_labels(result.predicted, (height, width))
    done, png = cv2.imencode(".png", shown, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    assert done
    return bytes(png)


def kept_file(folder: Path, name: str) -> Path:
    hashed = hashlib.sha256(name.encode()).hexdigest()
    return folder / hashed[:2] / f"{hashed[2:24]}.png"
