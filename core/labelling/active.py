"""Which photo is worth labelling next: one whose proposal is uncertain and that is unlike those labelled."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Reason(StrEnum):
    """Why a photo stands where it does in the order."""

    TYPICAL = "typical"  # nothing is labelled yet: the one most like the others
    UNCERTAIN = "uncertain"
    DIFFERENT = "different"  # from all that are labelled or come before it


@dataclass(frozen=True, slots=True)
class Candidate:
    """A photo to be labelled or labelled already: its mean features, float32 (channels,), see
    `PhotoFeatures.pooled`, and the `uncertainty` of its proposal from 0 to 1, None while it has none."""

    name: str
    pooled: Floats
    uncertainty: float | None = None


@dataclass(frozen=True, slots=True)
class Ranked:
    """A photo's place in the order: `uncertainty` as in its candidate, `distance` from the nearest photo
    that is labelled or comes before it, 1 being the median between two photos."""

    name: str
    reason: Reason
    uncertainty: float | None
    distance: float


def uncertainty(shares: Floats) -> float:
    """The mean entropy of a proposal, probabilities (classes, h, w), over the entropy of all classes alike:
    0 where every pixel is certain, 1 where none is."""
    safe = np.clip(shares, 1e-6, 1)
    entropy = -(safe * np.log(safe)).sum(axis=0)
    return float(entropy.mean() / np.log(len(shares)))


def next_photos(left: Sequence[Candidate], labelled: Sequence[Candidate] = ()) -> list[Ranked]:
    """The photos of `left` in the order in which labelling them helps most, the first being the next.

    One after the other is chosen, by the product of its uncertainty and its distance from the nearest that is
    labelled or chosen: so neither near-duplicates follow each other nor photos that are odd but easy come
    first. Source: the greedy k-center of Sener and Savarese, Active Learning for CNNs: A Core-Set Approach
    (2018), weighed by entropy. Equal ones keep their order.
    """
    if not left:
        return []
    points = _standardised([c.pooled for c in (*left, *labelled)])
    own, known = points[: len(left)], points[len(left) :]
    typical = _typical_distance(points)
    doubts = np.array([1.0 if c.uncertainty is None else c.uncertainty for c in left])
    ranked: list[Ranked] = []
    free = np.ones(len(left), bool)
    if len(known):
        nearest = np.min([_distances(own, point) for point in known], axis=0) / typical
    else:
        first = int(np.argmin(((own - own.mean(axis=0)) ** 2).sum(axis=1)))
        ranked.append(Ranked(left[first].name, Reason.TYPICAL, left[first].uncertainty, 0.0))
        free[first] = False
        nearest = _distances(own, own[first]) / typical
    while free.any():
        scores = np.where(free, (doubts + 1e-3) * (nearest + 1e-3), -1)
        chosen = int(np.argmax(scores))
        ranked.append(_ranked(left[chosen], float(nearest[chosen]), doubts[free], nearest[free]))
        free[chosen] = False
        nearest = np.minimum(nearest, _distances(own, own[chosen]) / typical)
    return ranked


def _ranked(candidate: Candidate, distance: float, doubts: Floats, distances: Floats) -> Ranked:
    """The reason is what puts it farther ahead of the others: its uncertainty or its distance."""
    doubt = candidate.uncertainty
    is_uncertain = doubt is not None and (doubts <= doubt).mean() >= (distances <= distance).mean()
    return Ranked(candidate.name, Reason.UNCERTAIN if is_uncertain else Reason.DIFFERENT, doubt, distance)


def _standardised(pooled: Sequence[Floats]) -> Floats:
    """Features with equal weight, whatever their range."""
    points = np.stack(pooled).astype(np.float32)
    return np.asarray((points - points.mean(axis=0)) / (points.std(axis=0) + 1e-4), np.float32)


def _distances(points: Floats, point: Floats) -> Floats:
    return np.asarray(np.sqrt(((points - point) ** 2).sum(axis=1)), np.float32)


def _typical_distance(points: Floats) -> float:
    some = points[:: max(1, len(points) // 100)]
    between = np.concatenate([_distances(some, point) for point in some])
    return max(float(np.median(between[between > 0])) if (between > 0).any() else 1.0, 1e-6)
