"""A model's predictions on a split of a data set, computed once and kept in the cache.

They are computed in chunks, so that an evaluation that was interrupted continues where it was. Two requests
for the same evaluation wait for one computation.
"""

import hashlib
import io
import json
import shutil
import time
import zipfile
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

from core.data.dataset import DataFolder
from core.data.pairing import Pair, Problem
from core.data.reading import for_model
from core.data.store import read_pair
from core.errors import UserError, system_said
from core.evaluation import label_errors, thresholds
from core.evaluation.candidates import Candidate
from core.evaluation.card_scores import keep_scores
from core.evaluation.per_image import Chunk, kept_file, measure
from core.imaging.label_resizing import resize_labels
from core.imaging.rendering import display_size, fit_map
from core.models.card import ModelCard
from core.policy.ownership import sign
from core.policy.permissions import require
from core.system import workspace
from core.system.atomic import part_of
from core.system.workspace import read_json, write_json
from core.task import Task

if TYPE_CHECKING:
    from core.evaluation.metrics import Counts
    from core.inference.predictor import Predictor

INDEX, TABLE, COUNTS, HISTOGRAMS = "index.json", "table.parquet", "counts.npy", "histograms.npy"
LAYOUT = 6  # increased when the content of the files changes
SHOWN_SIDE = 480  # pixels of the longer side in rows of pictures
CHUNK = 64  # images between two saves
TIMED = 5  # forward passes


@dataclass(frozen=True, slots=True)
class Evaluation:
    """`table` has a row an image: name, height, width, brightness, foreground (shares in 0..1),
    boundary_iou, hd95 (pixels), the last two at `threshold`.

    counts: int64 (images, classes, 4): TP, FP, FN, TN at `threshold`. histograms: uint32 (images, 2,
    bins) and sums (bins,) as core.evaluation.thresholds has them, for binary tasks. `confusion`: pixels
    of class i predicted as class j, where a pixel has one class. `milliseconds` of one forward pass.
    `refined`: whether the mask has refined edges or is the plain one.
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
    refined: bool

    def counts_at(self, threshold: float) -> "Counts":
        """Confusion counts of every image; for several classes there is one threshold only."""
        import torch

        from core.evaluation.metrics import Counts

        if self.histograms is None or threshold == self.threshold:
            columns = (np.ascontiguousarray(self.counts[..., i]) for i in range(4))
            return Counts(*(torch.from_numpy(c) for c in columns))
        return thresholds.counts_at(self.histograms, thresholds.step_of(threshold))

    def judged(self, threshold: float) -> pd.DataFrame:
        """The table with each image's dice, iou, precision, recall and pixel_accuracy, and of one foreground
        "contradicted", see core.evaluation.label_errors."""
        from core.evaluation import metrics

        scores = metrics.image_scores(self.counts_at(threshold), self.task)
        judged = self.table.assign(**{name: values.numpy() for name, values in scores.items()})
        if self.histograms is None:
            return judged
        return judged.assign(contradicted=label_errors.contradicted(self.histograms))

    def kept(self, name: str) -> NDArray[np.uint8]:
        """The foreground's probability times 255, or labels, uint8 (h, w), at no less than the size at
        which the network gave them."""
        file = kept_file(self.folder, name)
        picture = cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
        if picture is None:
            raise UserError(f"The kept prediction of {name} is damaged: delete {self.folder}.")
        return np.asarray(picture, np.uint8)


@dataclass(frozen=True, slots=True)
class Panels:
    """One image at one size for display: photo (h, w, 3), true and predicted labels (h, w), and the
    foreground's probability, float32 (h, w), where the task is binary."""

    photo: NDArray[np.uint8]
    truth: NDArray[np.uint8]
    predicted: NDArray[np.uint8]
    probability: NDArray[np.float32] | None


def evaluate(
    candidate: Candidate, data: DataFolder, split: str = "validation", names: Collection[str] | None = None
) -> Iterator[int | Evaluation]:
    """Predict the images of a split, or those of them that are named. Yields how many are done, then the
    Evaluation. It comes from the cache when model, files and split are the same. Scores on all validation
    images of its own data set become those on the model's card.

    Raises UserError when nothing can be scored, the disk is full, or it is not cached and the current person
    lacks the permission `train`. What is damaged is computed again.
    """
    pairs = [pair for pair in data.pairs_of(split) if names is None or pair.name in names]
    if not pairs:
        raise UserError(f"{data.name} has no images in its {split} split: re-split it on the Data page.")
    folder = workspace.cache() / "evaluations" / _fingerprint(candidate, data, pairs)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        while (found := _opened(folder)) is None:
            require("train")
            yield from _compute_once(candidate, data, pairs, folder)
    except OSError as error:
        raise UserError(f"The predictions cannot be kept: {system_said(error)}.") from error
    if split == "validation" and names is None:
        keep_scores(candidate, data, found)
    yield found


def already(candidate: Candidate, data: DataFolder, split: str = "validation") -> Evaluation | None:
    """The same from the cache, else None."""
    pairs = data.pairs_of(split)
    return (
        _opened(workspace.cache() / "evaluations" / _fingerprint(candidate, data, pairs)) if pairs else None
    )


def panels(
    found: Evaluation, pair: Pair, data: DataFolder, threshold: float, side: int = SHOWN_SIDE
) -> Panels:
    """Photo, mask and prediction of one image, its longer side at most `side` pixels. Raises UserError
    if a file is gone."""
    encoding = for_model(data, found.task).encoding
    photo, labels = read_pair(pair, encoding, max_side=side)
    photo = display_size(photo, side)
    size = photo.shape[0], photo.shape[1]
    try:
        kept = found.kept(pair.name)
    except OSError as error:
        raise UserError(
            f"The prediction of {pair.name} is gone: reload the page to compute it again."
        ) from error
    if found.task.kind != "binary":
        return Panels(photo, encoding.resize(labels, size), resize_labels(kept, size), None)
    probability = fit_map(kept.astype(np.float32) / np.float32(255), size)
    predicted = (probability >= threshold).astype(np.uint8)
    return Panels(photo, encoding.resize(labels, size), predicted, probability)


def _compute_once(
    candidate: Candidate, data: DataFolder, pairs: Sequence[Pair], folder: Path
) -> Iterator[int]:
    """Compute what is missing, or wait a moment for another page or program that does."""
    lock = FileLock(folder.with_name(f".{folder.name}.lock"))
    making = part_of(folder)  # kept after a kill, and continued
    try:
        lock.acquire(timeout=0.5)
    except Timeout:
        yield sum(CHUNK for _ in making.glob("*.npz"))
        return
    try:
        if _opened(folder) is None:
            making.mkdir(exist_ok=True)
            sign(making, made_from=data.root.resolve())
            yield from _compute(candidate, data, pairs, making)
            shutil.rmtree(folder, ignore_errors=True)
            making.rename(folder)
    finally:
        lock.release()


def _compute(candidate: Candidate, data: DataFolder, pairs: Sequence[Pair], folder: Path) -> Iterator[int]:
    from core.evaluation.scoring import each_scored

    predictor, encoding = candidate.make(), for_model(data, candidate.card.task).encoding
    task, level = candidate.card.task, candidate.card.threshold
    side, refine = max(SHOWN_SIDE, candidate.card.long_side), _refines(candidate)
    use = partial(measure, task, folder, side)
    for first in range(0, len(pairs), CHUNK):
        some, file = pairs[first : first + CHUNK], folder / f"{first:08d}.npz"
        if not file.is_file():
            chunk = Chunk(task)
            for result in each_scored(predictor, some, encoding, level, use, refine=refine):
                chunk.add(result)
                yield first + chunk.seen
            chunk.save(file)
        yield first + len(some)
    about = {
        "task": task.to_dict(),
        "threshold": level,
        "milliseconds": _forward_time(predictor, candidate.card),
        "device": predictor.device,
        "refined": refine,
    }
    _join(folder, task, about, f"No image of {data.name} can be scored.")


def _chunk(file: Path) -> dict[str, NDArray[Any]]:
    try:
        return dict(np.load(io.BytesIO(file.read_bytes())))
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        file.unlink()
        raise UserError("Some kept predictions are damaged: evaluate once more to replace them.") from error


def _join(folder: Path, task: Task, about: dict[str, Any], nothing: str) -> None:
    """Join the chunks into the files of an evaluation, `about` all of them in its index, and delete them."""
    files = sorted(folder.glob("*.npz"))
    chunks = [_chunk(file) for file in files]
    rows = [row for chunk in chunks for row in json.loads(str(chunk["rows"]))]
    if not rows:
        raise UserError(f"{nothing} Look at it on the Data page.")
    pd.DataFrame(rows).to_parquet(folder / TABLE)
    np.save(folder / COUNTS, np.concatenate([chunk["counts"] for chunk in chunks]))
    if task.kind == "binary":
        np.save(folder / HISTOGRAMS, np.concatenate([chunk["histograms"] for chunk in chunks]))
    index = {
        **about,
        "sums": np.sum([chunk["sums"] for chunk in chunks], axis=0).tolist(),
        "confusion": np.sum([chunk["confusion"] for chunk in chunks], axis=0).tolist()
        if task.kind == "multiclass"
        else [],
        "problems": [problem for chunk in chunks for problem in json.loads(str(chunk["problems"]))],
    }
    write_json(folder / INDEX, index)
    for file in files:
        file.unlink()


def _forward_time(predictor: "Predictor", card: ModelCard) -> float:
    """Median milliseconds for one square photo at the model's own size, or one window, after a warm-up."""
    window, side = card.window, card.long_side
    height, width = (side, side) if window is None else (window.height, window.width)
    ready = predictor.prepare(np.zeros((height, width, 3), np.uint8))
    seconds = []
    for _ in range(TIMED + 1):
        start = time.perf_counter()
        predictor.forward([ready])
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds[1:])) * 1000


def _opened(folder: Path) -> Evaluation | None:
    """The evaluation in this folder; None where there is none that can be read."""
    if not (folder / INDEX).is_file():
        return None
    try:
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
            index["refined"],
        )
    except (OSError, ValueError, KeyError, TypeError, EOFError, UserError):
        return None


def _refines(candidate: Candidate) -> bool:
    """Classes have no edges to refine."""
    return candidate.refine and candidate.card.task.kind == "binary"


def _fingerprint(candidate: Candidate, data: DataFolder, pairs: Sequence[Pair]) -> str:
    card = candidate.card
    # Edges are measured at one threshold alone; several classes have none.
    level = None if card.task.kind == "multiclass" else card.threshold
    digest = hashlib.sha256(
        repr((LAYOUT, candidate.key, level, card.long_side, _refines(candidate))).encode()
    )
    if card.window is not None:
        digest.update(repr(card.window).encode())
    digest.update(repr(for_model(data, card.task).encoding.to_dict()).encode())
    for pair in pairs:
        digest.update(f"{pair.inverted} {pair.value_range}".encode())
        for path in pair.files:
            stat = path.stat()
            digest.update(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:32]
