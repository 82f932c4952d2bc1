"""Small preview pictures of a model's predictions for its card."""

import contextlib
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.data.samples import SAMPLES, sample_bytes
from core.errors import UserError
from core.imaging import rendering
from core.models.preprocessing import middle
from core.models.registry import Entry
from core.policy.folders import may_open
from core.system import workspace
from core.system.workspace import write_atomically

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.inference.predictor import Predictor

PICTURES = 4
SIDE = 320  # pixels of the longer side
READ_SIDE = 1024


def kept_pictures(entry: Entry) -> list[bytes]:
    """The JPEGs saved by `make_pictures`; empty if there are none."""
    try:
        return [path.read_bytes() for path in sorted(_folder(entry).glob("*.jpg"))]
    except OSError:
        return []


def make_pictures(entry: Entry, predictor: "Predictor") -> list[bytes]:
    """Predict validation photos of the model's training data if available, else the sample photos."""
    folder = _folder(entry)
    made = []
    for number, photo in enumerate(_photos(entry)):
        labels = predictor.labels(photo)
        picture = rendering.display_size(rendering.label_overlay(photo, labels, entry.card.task), SIDE)
        made.append(rendering.encode(picture, "JPEG"))
        with contextlib.suppress(OSError, UserError):  # they can be shown without being saved
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(folder / f"{number}.jpg", made[-1])
    return made


def _photos(entry: Entry) -> "Sequence[NDArray[np.uint8]]":
    from core.data.dataset import open_data
    from core.data.photos import read_photo

    found, source = [], _own_data(entry)
    # Windows see photos at their own size, all of which would take minutes: the middle will do.
    max_side = None if entry.card.window else READ_SIDE
    if source is not None and source.is_dir():
        try:
            pairs = open_data(source).pairs_of("validation")
            step = max(1, len(pairs) // PICTURES)
            photos = (
                read_photo(pair.image, max_side=max_side, value_range=pair.value_range)
                for pair in pairs[::step][:PICTURES]
            )
            found = [middle(photo, READ_SIDE, READ_SIDE) for photo in photos]
        except UserError:
            found = []
    return found or [read_photo(sample_bytes(title), SAMPLES[title].file_name) for title in SAMPLES]


def _folder(entry: Entry) -> Path:
    """Previews of private data are kept apart from those of the samples."""
    key = entry.key if _own_data(entry) else f"{entry.key}|samples"
    return workspace.cache() / "cards" / hashlib.sha256(key.encode()).hexdigest()[:24]


def _own_data(entry: Entry) -> Path | None:
    """The model's training data, if this visitor may open it."""
    named = str(entry.card.settings.get("data") or "")
    return Path(named) if named and may_open(Path(named)) else None
