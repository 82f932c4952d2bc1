"""A data set as COCO: the reference reads the same pixels, and the split comes along."""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.data.dataset import DataFolder, open_data
from core.data.exporting import COCO_FILES, export
from core.data.importing.copying import Imported, import_data
from core.data.split_record import Split
from core.data.splitting import SplitPlan, apply_split
from core.data.store import read_pair
from tests.core import archives


def exported(data: DataFolder, target: Path) -> Path:
    return next(step for step in export(data, target, "coco") if isinstance(step, Path))


def read_by_reference(packed: Path, folder: Path) -> dict[str, dict[str, list[NDArray[np.uint8]]]]:
    """By file of annotations and photo: a mask for each category, drawn by pycocotools."""
    from pycocotools.coco import COCO

    with zipfile.ZipFile(packed) as archive:
        archive.extractall(folder)
        assert set(archive.namelist()) == {
            *(f"images/{path.name}" for path in (folder / "images").iterdir()),
            *(f"annotations/{path.name}" for path in (folder / "annotations").iterdir()),
        }
    found: dict[str, dict[str, list[NDArray[np.uint8]]]] = {}
    for file in sorted((folder / "annotations").iterdir()):
        reference = COCO(str(file))
        found[file.name] = {
            image["file_name"]: [_drawn(reference, image, c) for c in sorted(reference.getCatIds())]
            for image in reference.loadImgs(reference.getImgIds())
        }
    return found


def _drawn(reference: Any, image: dict[str, Any], category: int) -> NDArray[np.uint8]:
    drawn = np.zeros((image["height"], image["width"]), np.uint8)
    for part in reference.loadAnns(reference.getAnnIds(imgIds=image["id"], catIds=category)):
        drawn |= reference.annToMask(part)
        assert part["area"] == reference.annToMask(part).sum()
    return drawn


def split(data: DataFolder, sets: Sequence[Sequence[str]]) -> DataFolder:
    return apply_split(data, Split(*(tuple(names) for names in sets)), SplitPlan("random"))


def test_each_set_has_a_file_that_the_reference_reads(small_data: Path, tmp_path: Path) -> None:
    names = [pair.name for pair in open_data(small_data).pairs]
    data = split(open_data(small_data), (names[:6], names[6:8], names[8:]))
    found = read_by_reference(exported(data, tmp_path / "coco.zip"), tmp_path / "out")
    for part, file in COCO_FILES.items():
        assert sorted(found[file]) == [pair.name for pair in data.pairs_of(part)]
        for pair in data.pairs_of(part):
            assert np.array_equal(found[file][pair.name][0], read_pair(pair, data.encoding)[1])


def test_the_split_and_the_pixels_come_back(small_data: Path, tmp_path: Path) -> None:
    names = [pair.name for pair in open_data(small_data).pairs]
    data = split(open_data(small_data), (names[1::2], names[0:4:2], names[4::2]))
    packed = exported(data, tmp_path / "coco.zip")
    back = next(r for r in import_data(packed, "again") if isinstance(r, Imported)).data
    assert back.split == data.split
    for one, other in zip(data.pairs, back.pairs, strict=True):
        assert np.array_equal(read_pair(one, data.encoding)[1], read_pair(other, back.encoding)[1])


def test_a_set_without_photos_has_no_file(small_data: Path, tmp_path: Path) -> None:
    found = read_by_reference(exported(open_data(small_data), tmp_path / "coco.zip"), tmp_path / "out")
    assert set(found) == {COCO_FILES["train"], COCO_FILES["validation"]}


def test_every_pixel_of_labels_that_overlap_is_in_the_file(tmp_path: Path) -> None:
    files = {f"images/{i}.jpg": archives.photo(i) for i in range(3)}
    files |= {f"masks/cat/{i}.png": archives.mask(i) for i in range(3)}
    inner = [np.asarray(Image.open(io.BytesIO(files[f"masks/cat/{i}.png"]))) // 255 for i in range(3)]
    for i, cat in enumerate(inner):
        mask = cat.copy()
        mask[: mask.shape[0] // 2] = 1  # covers a part of the cat, and ground of its own
        files[f"masks/dog/{i}.png"] = archives.picture(mask * np.uint8(255))
    data = next(r for r in import_data(archives.zipped(files), "two") if isinstance(r, Imported)).data
    assert data.encoding.task.kind == "multilabel"
    read = read_by_reference(exported(data, tmp_path / "coco.zip"), tmp_path / "out")
    photos = {name: masks for file in read.values() for name, masks in file.items()}
    for pair in data.pairs:
        labels = read_pair(pair, data.encoding)[1]
        assert (labels == 3).any()
        for bit, mask in enumerate(photos[pair.name]):
            assert np.array_equal(mask, labels >> np.uint8(bit) & 1)
