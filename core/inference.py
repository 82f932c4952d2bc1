"""A photo in, a probability map at the photo's own size out."""

from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

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
        network sees the photo's longer side; the card's own when None.
        """
        height, width = photo.shape[:2]
        side = min(max(long_side or self.card.long_side, MIN_LONG_SIDE), MAX_LONG_SIDE)
        padded, (inner_h, inner_w) = fit_photo(photo, side)
        batch = torch.from_numpy(padded.transpose(2, 0, 1)[None]).to(self.device)
        images = self.card.preprocessing.normalise(batch).to(memory_format=torch.channels_last)
        probability = self._model(images).float().sigmoid()[0, 0, :inner_h, :inner_w].cpu().numpy()
        resized = cv2.resize(probability, (width, height), interpolation=cv2.INTER_LINEAR)
        return np.asarray(resized, np.float32)
