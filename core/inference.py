"""A photo in, a probability map at the photo's own size out."""

from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import UserError
from core.hardware import pick_device
from core.model_card import ModelCard
from core.models import load_model
from core.preprocessing import fit_photo

MIN_LONG_SIDE, MAX_LONG_SIDE = 64, 2048


class Predictor:
    """A loaded model, ready for photos of any size. Thread-safe: it holds no state between calls."""

    def __init__(self, folder: Path, device: str = "auto") -> None:
        """Raises UserError when the folder holds no readable model or the device is absent."""
        self.folder = folder
        self.device = pick_device(device)
        model, self.card = load_model(folder, self.device)
        self._model = model.to(memory_format=torch.channels_last)

    @classmethod
    def of(cls, model: torch.nn.Module, card: ModelCard, device: str = "cpu") -> "Predictor":
        """A predictor around a model that is in memory already. The model is set to eval mode."""
        predictor = cls.__new__(cls)
        predictor.folder, predictor.device, predictor.card = Path(), device, card
        predictor._model = model.to(device).eval()
        return predictor

    @torch.inference_mode()
    def __call__(self, photo: NDArray[np.uint8], long_side: int | None = None) -> NDArray[np.float32]:
        """Foreground probability of every pixel, float32 (height, width) in 0..1.

        `photo` is uint8 RGB (height, width, 3). `long_side` is the size, in pixels, at which the
        network sees the photo's longer side; the card's own when None. Raises UserError for a model
        that tells several classes apart: ask for `labels`.
        """
        if self.card.task.kind != "binary":
            raise UserError(f"{self.card.name} tells several classes apart: it has no one foreground.")
        return np.asarray(self._resized(self._logits(photo, long_side).sigmoid(), photo)[0])

    @torch.inference_mode()
    def labels(
        self, photo: NDArray[np.uint8], long_side: int | None = None, threshold: float | None = None
    ) -> NDArray[np.uint8]:
        """The label of every pixel, uint8 (height, width), as core.task describes them.

        `threshold` is a probability in 0..1, the card's own when None; of no meaning for "multiclass".
        """
        task = self.card.task
        logits = self._logits(photo, long_side)
        if task.kind == "multiclass":
            return np.asarray(self._resized(logits.softmax(0), photo).argmax(axis=0), np.uint8)
        inside = self._resized(logits.sigmoid(), photo) >= (
            self.card.threshold if threshold is None else threshold
        )
        bits = np.arange(task.outputs, dtype=np.uint8).reshape(-1, 1, 1)
        return np.asarray((inside.astype(np.uint8) << bits).sum(axis=0), np.uint8)

    def _logits(self, photo: NDArray[np.uint8], long_side: int | None) -> torch.Tensor:
        """float32 (outputs, h, w) at the size that the network sees."""
        side = min(max(long_side or self.card.long_side, MIN_LONG_SIDE), MAX_LONG_SIDE)
        padded, (inner_h, inner_w) = fit_photo(photo, side)
        batch = torch.from_numpy(padded.transpose(2, 0, 1)[None]).to(self.device)
        images = self.card.preprocessing.normalise(batch).to(memory_format=torch.channels_last)
        logits: torch.Tensor = self._model(images).float()[0, :, :inner_h, :inner_w]
        return logits

    @staticmethod
    def _resized(maps: torch.Tensor, photo: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(outputs, h, w) at the photo's own size."""
        size = photo.shape[1], photo.shape[0]
        resized = [cv2.resize(m, size, interpolation=cv2.INTER_LINEAR) for m in maps.cpu().numpy()]
        return np.asarray(resized, np.float32)
