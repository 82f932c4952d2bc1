"""Comparison of an exported file with its model: agreement, score and speed on the same photos."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.data.dataset import DataFolder
from core.data.pairing import Pair
from core.data.photos import photo_size, read_photo
from core.data.reading import for_model
from core.data.samples import SAMPLES, sample_bytes
from core.errors import UserError
from core.evaluation import metrics
from core.evaluation.scoring import Scored, score_images
from core.inference.predictor import Predictor
from core.models.card import ModelCard
from core.models.preprocessing import middle
from core.models.window import Window

SCORED_PHOTOS = 100
SCORING_SECONDS = 120.0  # of both networks, in windows: fewer photos where they are large
TIMED = 5
CALIBRATION_SIDE = 1024  # pixels
AUGMENTED = 16


@dataclass(frozen=True, slots=True)
class Trial:
    """`dice`, the mean over images, before and after, where there were masks; `agreement` is the fraction of
    pixels with the same label; milliseconds are of one forward pass on this machine's processor."""

    photos: int
    agreement: float
    milliseconds_before: float
    milliseconds_after: float
    dice_before: float | None = None
    dice_after: float | None = None


def compare(before: Predictor, after: Predictor, data: DataFolder | None) -> Trial:
    """Compare on validation photos of `data`, fewer of large ones in windows; without data, on the sample
    photos."""
    photos = sample_photos()
    times = _milliseconds(before, after, photos[0])
    if data is None:
        agreement = float(np.mean([(before.labels(p) == after.labels(p)).mean() for p in photos]))
        return Trial(len(photos), agreement, *times)
    read = for_model(data, before.card.task)
    pairs = _in_time(read.pairs_of("validation")[:SCORED_PHOTOS], before.card, sum(times) / 1000)
    level, fine = before.card.threshold, before.card.refine_edges
    first, second = (
        [s for s in score_images(p, pairs, read.encoding, level, refine=fine) if isinstance(s, Scored)]
        for p in (before, after)
    )
    if not first:
        raise UserError(
            "None of the validation photos of this data set can be read: choose another data set."
        )
    same = [(a.predicted == b.predicted).mean() for a, b in zip(first, second, strict=True)]
    scores = [
        metrics.summarise(metrics.join(s.counts for s in found), before.card.task)
        for found in (first, second)
    ]
    return Trial(len(first), float(np.mean(same)), *times, scores[0].dice_mean, scores[1].dice_mean)


def _in_time(pairs: Sequence[Pair], card: ModelCard, seconds: float) -> list[Pair]:
    """Those of the pairs, evenly spread, that can be predicted in windows in time, one at least; `seconds`
    are those of a window by both networks."""
    if card.window is None or not pairs:
        return list(pairs)
    windows = [card.window.count(*photo_size(pair.image)) for pair in pairs if _is_readable(pair)]
    each = seconds * float(np.mean(windows or [1]))
    most = max(1, min(len(pairs), int(SCORING_SECONDS / max(each, 1e-9))))
    return [pairs[i] for i in np.linspace(0, len(pairs) - 1, most).astype(int)]


def _is_readable(pair: Pair) -> bool:
    try:
        photo_size(pair.image)
    except UserError:
        return False
    return True


def calibration_photos(
    data: DataFolder | None, count: int, window: Window | None = None
) -> list[NDArray[np.uint8]]:
    """Training photos of `data`, evenly spread, at CALIBRATION_SIDE or less; without data, the samples as
    they are and mirrored, darker and brighter. Of a model with a window, what one in the middle of each photo
    at its own size holds."""
    if data is not None:
        pairs = data.pairs_of("train")
        found = []
        side = None if window else CALIBRATION_SIDE
        for pair in pairs[:: max(1, len(pairs) // count)][:count]:
            try:
                photo = read_photo(pair.image, max_side=side, value_range=pair.value_range)
            except UserError:
                continue
            found.append(middle(photo, window.height, window.width).copy() if window else photo)
        if found:
            return found
    photos = sample_photos()
    changed = [np.clip(p[:, ::-1] * light, 0, 255).astype(np.uint8) for p in photos for light in (0.6, 1.3)]
    return [*photos, *changed]


def sample_photos() -> list[NDArray[np.uint8]]:
    return [read_photo(sample_bytes(title), SAMPLES[title].file_name) for title in SAMPLES]


def _milliseconds(first: Predictor, second: Predictor, photo: NDArray[np.uint8]) -> tuple[float, float]:
    """Median time of forward passes, taken in turns so that other load affects both alike."""
    if window := first.card.window:
        photo = middle(photo, window.height, window.width)
    ready: Sequence[object] = [p.prepare(photo) for p in (first, second)]
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(TIMED + 1):
        for predictor, prepared, taken in zip((first, second), ready, times, strict=True):
            start = time.perf_counter()
            predictor.forward([prepared])  # type: ignore[list-item]
            taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(times[0][1:]), statistics.median(times[1][1:])
