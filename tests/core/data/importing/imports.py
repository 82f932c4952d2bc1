"""What an import gives, for tests of each step of it."""

import numpy as np

from core.data.dataset import DataFolder
from core.data.importing.copying import Imported, import_data
from core.data.store import read_pair
from core.system import workspace as places
from tests.core.archives import zipped


def imported(source: object, name: str = "mine") -> DataFolder:
    return whole(source, name).data


def whole(source: object, name: str = "mine") -> Imported:
    """The import of a source, or of files by name."""
    given = zipped(source) if isinstance(source, dict) else source
    return next(r for r in import_data(given, name) if isinstance(r, Imported))  # type: ignore[arg-type]


def nothing_left() -> bool:
    return list(places.datasets().iterdir()) == []


def labels_of(data: DataFolder, name: str) -> np.ndarray:
    pair = next(pair for pair in data.pairs if pair.name == name)
    return read_pair(pair, data.encoding)[1]
