"""Predictions of one model on one part of a data set, made once and kept, for looking at."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core import workspace
from core.data.dataset import DataFolder, Pair, Problem
from core.data.masks import resize_mask
from core.data.store import read_pair
from core.errors import UserError
from core.pictures import display_size, fit_map
from core.shelf import Entry

SHOWN_SIDE = 480  # pixels; the longer side of what is kept for looking at
INDEX = "index.json"


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
    """The same over all pixels of all images, `dice_mean` over images."""

    images: int
    dice: float
    iou: float
    miou: float
    pixel_accuracy: float
    dice_mean: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """`images` are worst first."""

    folder: Path
    threshold: float
    images: list[Judged]
    totals: Totals
    problems: list[Problem]

    def probability(self, name: str) -> NDArray[np.float32]:
        """The kept probability map of one image, float32 (h, w) in 0..1, at display size."""
        with Image.open(self.folder / _file_name(name)) as picture:
            return np.asarray(picture).astype(np.float32) / np.float32(255)


@dataclass(frozen=True, slots=True)
class Panels:
    """What is shown of one image: photo and mask at display size, probability to match."""

    photo: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    probability: NDArray[np.float32]


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
    photo, mask = read_pair(pair, data.rule, max_side=SHOWN_SIDE)
    probability = comparison.probability(pair.name)
    photo = display_size(photo, SHOWN_SIDE)
    size = photo.shape[:2]
    return Panels(photo, resize_mask(mask, size), fit_map(probability, size))


def _predict(entry: Entry, data: DataFolder, part: str, folder: Path) -> Iterator[int]:
    from core import metrics
    from core.evaluation import score_images
    from core.inference import Predictor

    predictor = Predictor(entry.folder)
    threshold = entry.card.threshold
    judged: list[Judged] = []
    counts: list[metrics.Counts] = []
    problems: list[Problem] = []
    for done, result in enumerate(score_images(predictor, data.part(part), data.rule, threshold), 1):
        if isinstance(result, Problem):
            problems.append(result)
            continue
        counts.append(result.counts)
        judged.append(_judged(result.name, result.counts, result.mask))
        shown = display_size((result.probability * 255).round().astype(np.uint8), SHOWN_SIDE)
        Image.fromarray(shown).save(folder / _file_name(result.name))
        yield done
    if not counts:
        raise UserError(f"No {part} image of {data.name} can be scored: look at the Data page.")
    scores = asdict(metrics.summarise(metrics.join(counts)))
    index = {
        "threshold": threshold,
        "images": [asdict(j) for j in judged],
        "totals": {k: scores[k] for k in Totals.__dataclass_fields__},
        "problems": [[p.name, p.sentence] for p in problems],
    }
    (folder / INDEX).write_text(json.dumps(index), "utf-8")


def _judged(name: str, counts: object, mask: NDArray[np.uint8]) -> Judged:
    from core.metrics import Counts

    assert isinstance(counts, Counts)
    return Judged(
        name,
        counts.dice().item(),
        counts.iou().item(),
        counts.precision().item(),
        counts.recall().item(),
        counts.pixel_accuracy().item(),
        float(mask.mean()),
    )


def _opened(folder: Path) -> Comparison:
    index = json.loads((folder / INDEX).read_text("utf-8"))
    images = sorted((Judged(**j) for j in index["images"]), key=lambda j: (j.dice, j.name))
    problems = [Problem(*p) for p in index["problems"]]
    return Comparison(folder, index["threshold"], images, Totals(**index["totals"]), problems)


def _file_name(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:24] + ".png"


def _fingerprint(entry: Entry, data: DataFolder, part: str) -> str:
    digest = hashlib.sha256(repr((entry.key, entry.card.threshold, entry.card.long_side, part)).encode())
    digest.update(repr(data.rule.to_dict()).encode())
    for pair in data.part(part):
        for path in (pair.image, pair.mask):
            stat = path.stat()
            digest.update(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:32]
