"""Small pictures of a training's progress: the same validation images after every epoch."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.imaging.rendering import label_overlay
from core.task import Task
from core.training.validation import Predicted

HEIGHT = 256  # pixels; enough for a column of the page


def save_previews(folder: Path, epoch: int, previewed: Sequence[Predicted], task: Task) -> list[str]:
    """Write one JPEG per image: the prediction laid over the photo. Returns paths within `folder`.

    Epoch 0 also writes the true labels, as `truth_0.jpg` and so on.
    """
    target = folder / "previews"
    target.mkdir(exist_ok=True)
    files: list[str] = []
    for i, one in enumerate(previewed):
        if epoch == 0:
            _save(target / f"truth_{i}.jpg", label_overlay(one.photo, one.truth, task))
        path = target / f"epoch_{epoch:04d}_{i}.jpg"
        _save(path, label_overlay(one.photo, one.labels, task))
        files.append(str(path.relative_to(folder)))
    return files


def _save(path: Path, picture: NDArray[np.uint8]) -> None:
    width = max(1, round(picture.shape[1] * HEIGHT / picture.shape[0]))
    resized = cv2.resize(picture, (width, HEIGHT), interpolation=cv2.INTER_AREA)
    Image.fromarray(np.asarray(resized, np.uint8)).save(path, quality=85)
