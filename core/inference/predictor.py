"""Predictions of a loaded model for photos of any size."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from core.config import SIZE_STEP, SMALLEST_SIDES
from core.cutout_settings import MAX_LONG_SIDE, MIN_LONG_SIDE
from core.errors import UserError
from core.inference import sliding_window
from core.models.card import ModelCard
from core.models.factory import load_model
from core.models.preprocessing import fit_photo, middle
from core.system.device import multiplies_bf16, pick_device

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

    def __init__(self, folder: Path, device: str = "auto") -> None:
        """Raises UserError if the folder has no readable model or the device is not available."""
        self.folder = folder
        self.device = pick_device(device)
        model, self.card = load_model(folder, self.device)
        self._hold(model)

    @classmethod
    def of(cls, model: torch.nn.Module, card: ModelCard, device: str = "cpu") -> "Predictor":
        """A predictor of a model that is already in memory, which is set to eval mode."""
        predictor = cls.__new__(cls)
        predictor.folder, predictor.device, predictor.card = Path(), device, card
        predictor._hold(model.to(device).eval())
        return predictor

    def _hold(self, model: torch.nn.Module) -> None:
        # mobileone aborts the process in fp32 channels-last on a CPU (see core.system.device).
        aborts = self.device == "cpu" and self.card.encoder.startswith("mobileone")
        self._model = model if aborts else model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        # As in validation. Probabilities differ by a few thousandths from fp32.
        self._kind = self.device.split(":", maxsplit=1)[0]
        self._in_bf16 = multiplies_bf16(self.device)

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
        least = SMALLEST_SIDES.get(self.card.architecture, SIZE_STEP)
        padded, inner = fit_photo(photo, self.side_for(photo, long_side), least, self.card.window)
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
        together = WINDOWS_ON_CPU if self._kind == "cpu" else WINDOWS_ON_GPU
        yield from sliding_window.strips(ready.padded, ready.inner, self.card.window, self._windows, together)

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
        """The loaded network itself, in eval mode."""
        return self._model

    @torch.inference_mode()
    def forward(self, photos: Sequence[Prepared]) -> list[Maps]:
        """The logits of photos with equal padded shapes: float32 (outputs, h, w) each."""
        stacked = np.stack([ready.padded.transpose(2, 0, 1) for ready in photos])
        batch = torch.from_numpy(stacked).to(self.device)
        images = self.card.preprocessing.normalise(batch).to(memory_format=torch.channels_last)
        try:
            with torch.autocast(self._kind, torch.bfloat16, enabled=self._in_bf16):
                logits = self._model(images).float().cpu().numpy()
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            if len(photos) > 1:
                return [self.forward([photo])[0] for photo in photos]
            raise UserError(
                "The photo needs more memory than is free on the GPU: choose a smaller longer side, or wait "
                "until a training run has ended."
            ) from None
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
