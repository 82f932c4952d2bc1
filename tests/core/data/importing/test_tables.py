"""Parquet files as the Hugging Face hub keeps data sets."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.data.store import read_pair
from tests.core.archives import mask, photo, scene
from tests.core.data.importing.imports import imported


def test_parquet_files_of_the_hub_are_read_like_folders(tmp_path: Path) -> None:
    rows = {
        "image": [{"bytes": photo(i), "path": f"{i}.jpg"} for i in range(5)],
        "label": [{"bytes": mask(i), "path": None} for i in range(5)],
    }
    (tmp_path / "hub" / "data").mkdir(parents=True)
    pq.write_table(
        pa.table(rows), tmp_path / "hub" / "data" / "train-00000-of-00001.parquet", row_group_size=2
    )
    data = imported(tmp_path / "hub")
    assert len(data.pairs) == 5
    first = sorted(data.pairs, key=lambda pair: pair.name)[3]
    assert np.array_equal(read_pair(first, data.encoding)[1], scene(3)[1])
