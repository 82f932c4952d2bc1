"""A small classifier of pixels, fitted to a few strokes: it proposes labels for this photo and for others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import UserError
from core.imaging.guided_filter import refine
from core.imaging.label_resizing import resize_labels
from core.labelling.features import PhotoFeatures
from core.labelling.prompts import BACKGROUND, Stroke, draw
from core.task import IGNORE

PIXELS_PER_STROKE = 150
PIXELS = 4000  # of all photos together, so that a fit takes a fifth of a second at most
PENALTY = 3e-3  # of the squared weights, against the mean loss of a pixel
ROUNDS = 40
BORDER = 0.3  # weight of a photo's border as background, while no stroke says what is background


@dataclass(frozen=True, slots=True)
class Example:
    """A photo's features, the strokes on it, and its accepted labels if it has any: uint8 (h, w) of any size,
    255 where nobody knows."""

    features: PhotoFeatures
    strokes: tuple[Stroke, ...] = ()
    labels: NDArray[np.uint8] | None = None


@dataclass(frozen=True, slots=True)
class ScribbleClassifier:
    """Linear in the features: `weights` float32 (classes, channels), `offsets` float32 (classes,)."""

    weights: NDArray[np.float32]
    offsets: NDArray[np.float32]

    def logits(self, features: PhotoFeatures) -> NDArray[np.float32]:
        """Of each class on the finest grid of the features: float32 (classes, h, w).

        A linear function commutes with the interpolation, so each map is weighed at its own resolution.
        """
        total = np.broadcast_to(self.offsets[:, None, None], (len(self.offsets), *features.shape)).copy()
        start = 0
        for index, values in enumerate(features.maps):
            weights = self.weights[:, start : start + len(values)]
            start += len(values)
            flat = weights @ values.reshape(len(values), -1).astype(np.float32)
            total += features.enlarge(index, flat.reshape(-1, *values.shape[1:]))
        return total

    def propose(self, features: PhotoFeatures, photo: NDArray[np.uint8] | None = None) -> NDArray[np.float32]:
        """The probability of each class: float32 (classes, h, w), 0 is background, summing to 1.

        With the photo, uint8 (H, W, 3), at its size and along its edges; else on the grid of the features.
        """
        shares = _softmax(self.logits(features))
        return shares if photo is None else along_edges(shares, photo)


def along_edges(shares: NDArray[np.float32], photo: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Probabilities (classes, h, w) enlarged to the photo's size, (classes, H, W), by the guided filter."""
    if len(shares) == 2:
        second = refine(shares[1], photo)
        return np.stack([1 - second, second])
    fine = np.stack([refine(share, photo) for share in shares])
    fine /= np.maximum(fine.sum(axis=0), np.float32(1e-6))
    return fine


def fit(examples: Sequence[Example], classes: int) -> ScribbleClassifier:
    """Multinomial logistic regression on the pixels under the strokes of all photos, and on some of each
    class of those whose labels are accepted.

    `classes` counts the background, whose label is 0. Every stroke has the same weight within its class, and
    so has a class of accepted labels; every class has the same weight. While nothing is background, the
    photos' borders are, with less weight. Raises UserError where there is nothing to learn from, or a class
    that is not there.
    """
    pixels, labels, weights = _samples(examples, classes)
    mean, spread = pixels.mean(axis=0), pixels.std(axis=0) + np.float32(1e-3)
    inputs = torch.from_numpy((pixels - mean) / spread)
    slopes, offsets = _logistic(inputs, torch.from_numpy(labels), torch.from_numpy(weights), classes)
    slopes = slopes / spread
    return ScribbleClassifier(np.asarray(slopes, np.float32), np.asarray(offsets - slopes @ mean, np.float32))


def _samples(
    examples: Sequence[Example], classes: int
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
    """Features (pixels, channels), label and weight of the pixels to learn from."""
    marked = [(example, label, where) for example in examples for label, where in _marked(example)]
    if not marked:
        raise UserError("There are no strokes yet, or none is on its photo: draw one on an object.")
    highest = max(label for _, label, _ in marked)
    if highest >= classes:
        raise UserError(f"A stroke has the class {highest}, and there are {classes} classes.")
    most = max(4, min(PIXELS_PER_STROKE, PIXELS // len(marked)))
    random = np.random.default_rng(0)
    found: list[tuple[NDArray[np.float32], int, float]] = []
    for example, label, where in marked:
        chosen = where[random.permutation(len(where))[:most]]
        found.append((example.features.at(chosen[:, 0], chosen[:, 1]), label, 1.0))
    if all(label != BACKGROUND for _, label, _ in found):
        found += [
            (_border(example, most, random), BACKGROUND, BORDER) for example in examples if example.strokes
        ]
    return _weighed(found, classes)


def _weighed(
    found: Sequence[tuple[NDArray[np.float32], int, float]], classes: int
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
    totals = np.zeros(classes)
    for _, label, _ in found:
        totals[label] += 1
    pixels = np.concatenate([values for values, _, _ in found])
    labels = np.concatenate([np.full(len(values), label) for values, label, _ in found])
    weights = np.concatenate(
        [
            np.full(len(values), weight / (totals[label] * max(1, len(values))))
            for values, label, weight in found
        ]
    )
    return pixels, labels.astype(np.int64), (weights / weights.sum()).astype(np.float32)


def _marked(example: Example) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Labels, and (row, column) on the finest grid of the pixels that have them: of each stroke those that no
    later one covers, and of each class of the accepted labels."""
    shape = example.features.shape
    numbered = [Stroke(s.points, s.radius, number) for number, s in enumerate(example.strokes)]
    drawn = draw(numbered, shape, shape[1] / example.features.size[1])
    for number, stroke in enumerate(example.strokes):
        if (drawn == number).any():
            yield stroke.label, np.argwhere(drawn == number)
    if example.labels is not None:
        accepted = resize_labels(example.labels, shape)
        for label in np.unique(accepted[accepted != IGNORE]):
            yield int(label), np.argwhere(accepted == label)


def _border(example: Example, most: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Features of pixels at the photo's border, away from the strokes."""
    height, width = example.features.shape
    scale = width / example.features.size[1]
    near = draw([Stroke(s.points, s.radius + 0.08 * max(example.features.size)) for s in example.strokes],
                (height, width), scale)  # fmt: skip
    edge = np.ones((height, width), bool)
    edge[2:-2, 2:-2] = False
    free = np.argwhere(edge & (near < 0))
    if not len(free):
        free = np.argwhere(edge)
    chosen = free[random.permutation(len(free))[: 2 * most]]
    return example.features.at(chosen[:, 0], chosen[:, 1])


def _logistic(
    inputs: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor, classes: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    slopes = torch.zeros(classes, inputs.shape[1], requires_grad=True)
    offsets = torch.zeros(classes, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [slopes, offsets], max_iter=ROUNDS, history_size=8, line_search_fn="strong_wolfe"
    )

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        each = torch.nn.functional.cross_entropy(inputs @ slopes.T + offsets, labels, reduction="none")
        value: torch.Tensor = (each * weights).sum() + PENALTY * slopes.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    with torch.enable_grad():
        optimizer.step(loss)  # type: ignore[no-untyped-call]
    return slopes.detach().numpy(), offsets.detach().numpy()


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    shares = np.exp(logits - logits.max(axis=0))
    return np.asarray(shares / shares.sum(axis=0), np.float32)
