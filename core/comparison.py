"""Predictions of one model on one part of a data set, made once and kept, for looking at."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core import workspace
from core.data.classes import nearest
from core.data.dataset import DataFolder, for_model
from core.data.pairing import Pair, Problem
from core.data.store import read_pair
from core.errors import UserError
from core.pictures import display_size, fit_map
from core.shelf import Entry
from core.task import IGNORE, Task

if TYPE_CHECKING:
    from core.evaluation import Scored

SHOWN_SIDE = 480  # pixels; the longer side of what is kept for looking at
INDEX = "index.json"
LAYOUT = 2  # raised when what is kept changes


@dataclass(frozen=True, slots=True)
class Judged:
    """One image's scores, counted at the photo's own size, each a fraction in 0..1."""

    name: str
    dice: float
    iou: float
    precision: float
    recall: float
    pixel_accuracy: float
    foreground: float


@dataclass(frozen=True, slots=True)
class Totals:
    """The same over all pixels of all images, `dice_mean` over images, `class_…` in label order."""

    images: int
    dice: float
    iou: float
    miou: float
    pixel_accuracy: float
    dice_mean: float
    class_dice: list[float]
    class_iou: list[float]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`images` are worst first. `confusion` counts the pixels of class i that were taken for class j;
    empty where a pixel may have several labels, or there is one class."""

    folder: Path
    task: Task
    threshold: float
    images: list[Judged]
    totals: Totals
    problems: list[Problem]
    confusion: list[list[int]]

    def kept(self, name: str) -> NDArray[np.uint8]:
        """What was kept of one image at display size, uint8 (h, w): the probability of the foreground
        times 255 where the task is binary, else labels."""
        with Image.open(self.folder / _file_name(name)) as picture:
            return np.asarray(picture)


@dataclass(frozen=True, slots=True)
class Panels:
    """What is shown of one image, all at display size: photo (h, w, 3), true and predicted labels."""

    photo: NDArray[np.uint8]
    truth: NDArray[np.uint8]
    predicted: NDArray[np.uint8]


def compare(entry: Entry, data: DataFolder, part: str = "validation") -> Iterator[int | Comparison]:
    """Predict the part's images, yielding how many are done, then the Comparison.

    Found again when model, files and split are the same. Raises UserError when nothing can be scored.
    """
    folder = workspace.cache() / "predictions" / _fingerprint(entry, data, part)
    if not (folder / INDEX).is_file():
        making = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        try:
            yield from _predict(entry, data, part, making)
            shutil.rmtree(folder, ignore_errors=True)
            making.rename(folder)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    yield _opened(folder)


def panels(comparison: Comparison, pair: Pair, data: DataFolder) -> Panels:
    """Photo, mask and prediction of one image at display size. Raises UserError if a file is gone."""
    rule = for_model(data, comparison.task).rule
    photo, labels = read_pair(pair, rule, max_side=SHOWN_SIDE)
    photo = display_size(photo, SHOWN_SIDE)
    size = photo.shape[0], photo.shape[1]
    kept = comparison.kept(pair.name)
    if comparison.task.kind == "binary":
        probability = fit_map(kept.astype(np.float32) / np.float32(255), size)
        predicted = (probability >= comparison.threshold).astype(np.uint8)
    else:
        predicted = nearest(kept, size)
    return Panels(photo, rule.resize(labels, size), predicted)


def _predict(entry: Entry, data: DataFolder, part: str, folder: Path) -> Iterator[int]:
    import torch

    from core import metrics
    from core.evaluation import score_images
    from core.inference import Predictor

    predictor = Predictor(entry.folder)
    threshold, task = entry.card.threshold, entry.card.task
    rule = for_model(data, task).rule
    confusion = torch.zeros(task.outputs, task.outputs, dtype=torch.int64)
    judged: list[Judged] = []
    counts: list[metrics.Counts] = []
    problems: list[Problem] = []
    for done, result in enumerate(score_images(predictor, data.part(part), rule, threshold), 1):
        if isinstance(result, Problem):
            problems.append(result)
            continue
        counts.append(result.counts)
        judged.append(_judged(result, task))
        Image.fromarray(_shown(result)).save(folder / _file_name(result.name))
        if result.confusion is not None:
            confusion += result.confusion
        yield done
    if not counts:
        raise UserError(f"No {part} image of {data.name} can be scored: look at the Data page.")
    scores = asdict(metrics.summarise(metrics.join(counts), task))
    index = {
        "task": task.to_dict(),
        "confusion": confusion.tolist() if task.kind == "multiclass" else [],
        "threshold": threshold,
        "images": [asdict(j) for j in judged],
        "totals": {k: scores[k] for k in Totals.__dataclass_fields__},
        "problems": [[p.name, p.sentence] for p in problems],
    }
    (folder / INDEX).write_text(json.dumps(index), "utf-8")


def _judged(result: "Scored", task: Task) -> Judged:
    from core import metrics

    scores = metrics.summarise(result.counts, task)
    inside = (result.truth > 0) & (result.truth != IGNORE)
    return Judged(
        result.name,
        scores.dice,
        scores.iou,
        scores.precision,
        scores.recall,
        scores.pixel_accuracy,
        float(inside.mean()),
    )


def _shown(result: "Scored") -> NDArray[np.uint8]:
    if result.probability is not None:
        return display_size((result.probability * 255).round().astype(np.uint8), SHOWN_SIDE)
    scale = min(1.0, SHOWN_SIDE / max(result.predicted.shape))
    height, width = (max(1, round(n * scale)) for n in result.predicted.shape)
    return nearest(result.predicted, (height, width))


def _opened(folder: Path) -> Comparison:
    index = json.loads((folder / INDEX).read_text("utf-8"))
    images = sorted((Judged(**j) for j in index["images"]), key=lambda j: (j.dice, j.name))
    problems = [Problem(*p) for p in index["problems"]]
    return Comparison(
        folder,
        Task.from_dict(index["task"]),
        index["threshold"],
        images,
        Totals(**index["totals"]),
        problems,
        index["confusion"],
    )


def _file_name(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:24] + ".png"


def _fingerprint(entry: Entry, data: DataFolder, part: str) -> str:
    card = entry.card
    digest = hashlib.sha256(repr((LAYOUT, entry.key, card.threshold, card.long_side, part)).encode())
    digest.update(repr(for_model(data, card.task).rule.to_dict()).encode())
    for pair in data.part(part):
        for path in pair.files:
            stat = path.stat()
            digest.update(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:32]
