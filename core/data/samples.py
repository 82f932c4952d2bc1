"""Photos to try a model on at once, whose terms are clear."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from core.data import demo


@dataclass(frozen=True, slots=True)
class Sample:
    """`source` is a file that scikit-image ships, or "drawn"."""

    file_name: str
    source: str
    credit: str


SAMPLES: dict[str, Sample] = {
    "Astronaut": Sample(
        "astronaut.png", "astronaut.png",
        "Eileen Collins, NASA Great Images database, public domain; shipped with scikit-image.",
    ),
    "Cameraman": Sample(
        "camera.png", "camera.png", "Photograph by Lav Varshney, CC0; shipped with scikit-image.",
    ),
    "Drawn people": Sample("drawn.png", "drawn", "From the data set that this project draws itself, CC0."),
}  # fmt: skip


def sample_bytes(title: str) -> bytes:
    """The sample as the bytes of a PNG file."""
    sample = SAMPLES[title]
    if sample.source == "drawn":
        photo, _ = demo.draw_scene(demo.SEED + 7, demo.HEIGHT * 2, demo.WIDTH * 2)
        stream = io.BytesIO()
        Image.fromarray(np.asarray(photo)).save(stream, "PNG")
        return stream.getvalue()
    return (_scikit_image_data() / sample.source).read_bytes()


def _scikit_image_data() -> Path:
    # Only the folder is asked for: importing skimage.data would pull in scipy.
    from importlib.util import find_spec

    found = find_spec("skimage")
    assert found is not None and found.origin is not None
    return Path(found.origin).parent / "data"
