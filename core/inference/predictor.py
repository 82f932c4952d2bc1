"""Predictions of a loaded model for photos of any size."""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from core.config import SIZE_STEP, SMALLEST_SIDES
from core.cutout_settings import MAX_LONG_SIDE, MIN_LONG_SIDE
from core.errors import UserError
from core.inference import sliding_window
from core.inference.networks import Network, TorchNetwork, open_network
from core.models.card import ModelCard
from core.models.preprocessing import fit_photo, middle
from core.system.device import pick_device

Maps = NDArray[np.float32]

WINDOWS_ON_GPU, WINDOWS_ON_CPU = 16, 2  # windows of a photo in one forward pass


@dataclass(frozen=True, slots=True)
class Prepared:
    """The input of the network: `padded`, uint8 (h, w, 3), whose upper left `inner` (height, width) is the
    resized photo, and `size`, the photo's own (height, width)."""

    padded: NDArray[np.uint8]
    inner: tuple[int, int]
    size: tuple[int, int]


class Predictor:
    """A loaded model, ready for photos of any size. Thread-safe: it holds no state between calls."""

    _between: Callable[[], None] = staticmethod(lambda: None)

    def __init__(self, folder: Path, device: str = "auto", card: ModelCard | None = None) -> None:
        """`folder` may be an ONNX file as well; `card` takes the place of the model's own.

        Raises UserError if there is no readable model or the device is not available.
        """
        self.folder = folder
        self._network, self.card = open_network(folder, pick_device(device), card)
        self.device = self._network.device

    @classmethod
    def of(cls, model: torch.nn.Module, card: ModelCard, device: str = "cpu") -> "Predictor":
        """A predictor of a torch model that is already in memory, which is set to eval mode."""
        return cls.on(TorchNetwork(model.to(device).eval(), card, device), card)

    @classmethod
    def on(cls, network: Network, card: ModelCard) -> "Predictor":
        """A predictor that runs this network."""
        predictor = cls.__new__(cls)
        predictor.folder, predictor.device, predictor.card = Path(), network.device, card
        predictor._network = network
        return predictor

    def __call__(self, photo: NDArray[np.uint8], long_side: int | None = None) -> NDArray[np.float32]:
        """Foreground probability of every pixel, float32 (height, width) in 0..1.

        `photo` is uint8 RGB (height, width, 3). `long_side` is the length, in pixels, to
        which the longer side is resized for the network; None for the card's. Raises UserError for a
        multi-class model, which has `labels`.
        """
        ready = self.prepare(photo, long_side)
        return resized(self.foreground(ready), ready.size)

    def labels(
        self, photo: NDArray[np.uint8], long_side: int | None = None, threshold: float | None = None
    ) -> NDArray[np.uint8]:
        """The label of every pixel, uint8 (height, width), as described in core.task.

        `threshold` is a probability in 0..1, or None for the card's; "multiclass" models ignore it.
        """
        return self.labels_in(self.prepare(photo, long_side), threshold)

    def small_map(self, photo: NDArray[np.uint8], long_side: int | None = None) -> Maps:
        """Foreground probability at the network's resolution, float32 (h, w): core.imaging.guided_filter
        enlarges it to the photo's size."""
        return self.foreground(self.prepare(photo, long_side))

    def prepare(self, photo: NDArray[np.uint8], long_side: int | None = None) -> Prepared:
        """A photo resized and padded for the network. Does not use the model, so any thread may call it."""
        side = self.side_for(photo, long_side)
        if self.card.onnx is not None:
            padded, inner = self.card.onnx.fitted(photo, side)
        else:
            least = SMALLEST_SIDES.get(self.card.architecture, SIZE_STEP)
            padded, inner = fit_photo(photo, side, least, self.card.window)
        return Prepared(padded, inner, (photo.shape[0], photo.shape[1]))

    def side_for(self, photo: NDArray[np.uint8], long_side: int | None = None) -> int:
        """The length, in pixels, to which the longer side of a photo is resized for the network."""
        side = long_side or self.card.long_side
        if self.card.window is not None:
            return side or int(max(photo.shape[:2]))
        return min(max(side, MIN_LONG_SIDE), MAX_LONG_SIDE)

    def logits(self, ready: Prepared) -> Iterator[Maps]:
        """The logits of a photo in strips from top to bottom, float32 (outputs, rows, w), which together have
        the size of `ready.inner`: one strip, or for a model with a window one for each row of windows."""
        if self.card.window is None:
            yield self.forward([ready])[0]
            return
        together = WINDOWS_ON_CPU if self.device == "cpu" else WINDOWS_ON_GPU
        for strip in sliding_window.strips(
            ready.padded, ready.inner, self.card.window, self._windows, together
        ):
            yield strip
            self._between()

    def checking(self, between: Callable[[], None]) -> Self:
        """The same model, which calls `between` after each row of windows: what that raises ends the
        prediction."""
        other = copy.copy(self)
        other._between = between
        return other

    def foreground(self, ready: Prepared) -> Maps:
        """Foreground probability at the network's resolution, float32 of `ready.inner`."""
        found: Maps = np.empty(ready.inner, np.float32)
        top = 0
        for strip in self.logits(ready):
            rows = strip.shape[1]
            found[top : top + rows] = self.probability(strip, (rows, strip.shape[2]))
            top += rows
        return found

    def labels_in(self, ready: Prepared, threshold: float | None = None) -> NDArray[np.uint8]:
        """The label of every pixel of the photo, uint8 of `ready.size`. See `labels`."""
        strips = self.logits(ready)
        if self.card.window is not None and ready.inner == ready.size:
            # Strip by strip: the maps of twenty classes of a large photo need gigabytes.
            each = [self.labels_of(strip, (strip.shape[1], strip.shape[2]), threshold) for strip in strips]
            return np.concatenate(each)
        return self.labels_of(np.concatenate(list(strips), axis=1), ready.size, threshold)

    def _windows(self, windows: list[NDArray[np.uint8]]) -> list[Maps]:
        shape = windows[0].shape[0], windows[0].shape[1]
        return self.forward([Prepared(window, shape, shape) for window in windows])

    def network_input(self, photo: NDArray[np.uint8], long_side: int | None = None) -> NDArray[np.float32]:
        """A photo, or the window in its middle, as the network's input: normalised float32 (1, 3, h, w)."""
        padded = self.prepare(photo, long_side).padded
        if self.card.window is not None:
            padded = middle(padded, self.card.window.height, self.card.window.width)
        batch = torch.from_numpy(np.ascontiguousarray(padded.transpose(2, 0, 1)[None]))
        return np.asarray(self.card.preprocessing.normalise(batch).numpy(), np.float32)

    @property
    def network(self) -> torch.nn.Module:
        """The loaded network itself, in eval mode. Raises UserError for an ONNX file from elsewhere."""
        if not isinstance(self._network, TorchNetwork):
            raise UserError(f"{self.card.name} is an ONNX file already: it is not exported again.")
        return self._network.module

    def forward(self, photos: Sequence[Prepared]) -> list[Maps]:
        """The logits of photos with equal padded shapes: float32 (outputs, h, w) each."""
        logits = self._network(np.stack([ready.padded for ready in photos]))
        return [
            maps[:, : ready.inner[0], : ready.inner[1]] for maps, ready in zip(logits, photos, strict=True)
        ]

    def probability(self, logits: Maps, size: tuple[int, int]) -> NDArray[np.float32]:
        """Logits (1, h, w) to foreground probability of another size, float32 (height, width)."""
        if self.card.task.kind != "binary":
            raise UserError(f"{self.card.name} has several classes, not one foreground.")
        return np.asarray(resized(_sigmoid(logits)[0], size), np.float32)

    def labels_of(
        self, logits: Maps, size: tuple[int, int], threshold: float | None = None
    ) -> NDArray[np.uint8]:
        """Logits (outputs, h, w) to labels of another size, uint8 (height, width).

        Classes are resized one by one, so that 40 need no more memory than two.
        """
        if self.card.task.kind == "multiclass":
            return _highest(torch.from_numpy(logits).softmax(0).numpy(), size)
        level = self.card.threshold if threshold is None else threshold
        labels: NDArray[np.uint8] = np.zeros(size, np.uint8)
        for bit, share in enumerate(_sigmoid(logits)):
            labels |= (resized(share, size) >= level).astype(np.uint8) << np.uint8(bit)
        return labels


def _highest(shares: Maps, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The most probable class, the first of equals, at another size: from (classes, h, w) to uint8
    (height, width)."""
    labels: NDArray[np.uint8] = np.zeros(size, np.uint8)
    best = np.array(resized(shares[0], size))
    for index in range(1, len(shares)):
        share = resized(shares[index], size)
        higher = share > best
        np.copyto(labels, np.uint8(index), where=higher)
        np.copyto(best, share, where=higher)
    return labels


def _sigmoid(logits: Maps) -> Maps:
    return np.asarray(torch.from_numpy(logits).sigmoid().numpy(), np.float32)


def resized(share: Maps, size: tuple[int, int]) -> Maps:
    """A map (h, w) at another (height, width), by linear interpolation."""
    if share.shape == size:
        return share
    return np.asarray(cv2.resize(share, size[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
