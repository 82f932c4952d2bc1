"""Perceptual hashes."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from core.data import near_duplicates
from tests.builders import write_scenes


def test_perceptual_hashes_stay_close_under_saving_and_resizing_and_apart_otherwise(tmp_path: Path) -> None:
    folder = write_scenes(tmp_path / "set", 14)
    photos = [np.asarray(Image.open(p)) for p in sorted((folder / "images").iterdir())]
    again = [np.asarray(cv2.resize(p, None, fx=1.4, fy=1.4)) for p in photos]
    everything = photos + again
    pairs = set(
        near_duplicates.near_duplicates(
            [near_duplicates.perceptual_hash(p) for p in everything],
            [near_duplicates.small_look(p) for p in everything],
        )
    )
    assert pairs == {(i, i + len(photos)) for i in range(len(photos))}


def test_no_photo_has_no_near_duplicate() -> None:
    assert list(near_duplicates.near_duplicates([], [])) == []
