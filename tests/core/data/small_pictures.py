"""A photo and a mask of six by four pixels."""

from pathlib import Path

import numpy as np
from PIL import Image

RGB = np.zeros((6, 4, 3), np.uint8)
RGB[:2, :2] = (250, 20, 30)
MASK = (RGB[..., 0] > 0).astype(np.uint8)


def saved(picture: Image.Image, path: Path, **options: object) -> Path:
    picture.save(path, **options)
    return path
