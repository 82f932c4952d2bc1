"""Small pictures of pairs, made once and kept."""

import base64
import contextlib
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.data.classes import MaskEncoding
from core.data.pairing import Pair
from core.data.store import read_pair
from core.errors import UserError
from core.imaging import rendering
from core.imaging.label_resizing import resize_labels
from core.system import workspace
from core.system.parallel import all_cores
from core.system.workspace import write_atomically
from core.task import Task

SIDE = 320  # pixels of the longer side
VIEWS = ("Overlay", "Contour", "Photo", "Mask")


def thumbnails(pairs: Sequence[Pair], encoding: MaskEncoding, view: str) -> list[str]:
    """A JPEG of each pair as a data URL, "" where it cannot be read. `view` is one of VIEWS."""
    with all_cores() as pool:
        return list(pool.map(lambda pair: _thumbnail(pair, encoding, view), pairs))


def pair_view(
    photo: NDArray[np.uint8], labels: NDArray[np.uint8], view: str, task: Task
) -> NDArray[np.uint8]:
    """A small photo with its labels of any resolution in one of VIEWS: uint8 (h, w, 3) or (h, w)."""
    if view != "Contour":
        return rendering.pair_picture(photo, labels, view, task)
    layer = rendering.contour_layer(resize_labels(labels, photo.shape[:2]), task)
    inside = layer[..., 3:] > 0
    return np.where(inside, layer[..., :3], photo).astype(np.uint8)


def _thumbnail(pair: Pair, encoding: MaskEncoding, view: str) -> str:
    try:
        kept = _place(pair, encoding, view)
        if kept.is_file():
            picture = kept.read_bytes()
        else:
            photo, labels = read_pair(pair, encoding, max_side=SIDE)
            view_of = pair_view(rendering.display_size(photo, SIDE), labels, view, encoding.task)
            picture = rendering.encode(view_of, "JPEG")
            with contextlib.suppress(OSError, UserError):  # a full disk keeps nothing and shows everything
                kept.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(kept, picture)
        return "data:image/jpeg;base64," + base64.b64encode(picture).decode()
    except (UserError, OSError):
        return ""


def _place(pair: Pair, encoding: MaskEncoding, view: str) -> Path:
    """Changes with the files, the meaning of the mask and the view."""
    about = [repr((encoding.to_dict(), view, pair.inverted, pair.value_range))]
    for path in pair.files:
        stat = path.stat()
        about.append(f"{path} {stat.st_size} {stat.st_mtime_ns}")
    name = hashlib.sha256("\0".join(about).encode()).hexdigest()
    return workspace.cache() / "thumbnails" / name[:2] / f"{name[2:32]}.jpg"
