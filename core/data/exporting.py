"""A data set as a zip that others can open: images, masks, dataset.json, and COCO's json beside them."""

import json
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.data.dataset import DataFolder, describe
from core.data.importing.privacy import upright_copy
from core.data.masks import BinaryEncoding
from core.data.pairing import Pair, Problem
from core.data.photos import photo_size
from core.data.split_record import Split
from core.data.store import read_pair
from core.data.value_range import KEY
from core.errors import UserError, system_said
from core.imaging.rendering import encode
from core.policy.permissions import needs
from core.system.atomic import atomic_file
from core.system.file_names import short_stem
from core.system.workspace import file_to_write
from core.task import IGNORE, Task

FORMS = ("zip", "coco")
COCO_FILES = {
    "train": "instances_train.json", "validation": "instances_val.json", "test": "instances_test.json",
}  # fmt: skip
OnProblem = Callable[[Problem], None]
PLAIN = BinaryEncoding(128, meaning="0 is background, 255 is foreground")
WITH_VOID = BinaryEncoding(1, IGNORE, "0 is background, 1 is foreground, 255 is void")


@needs("train")
def export(
    data: DataFolder, target: Path, form: str = "zip", on_problem: OnProblem | None = None
) -> Iterator[float | Path]:
    """Write `target`. Yields the share done, then the path; `on_problem` is given the pairs that cannot
    be read, which are not in it.

    "zip": images/, masks/ and dataset.json, which this project imports again, split and all. Masks are
    written as they are understood: fixes are in them, and void is 255. "coco": images/ and a json for each
    set of the split in annotations/, with a run-length outline of every connected part, of each label by
    itself where labels overlap; COCO has no void, so void is background. Photos are upright in both.
    Raises UserError on a full disk; then nothing is left.
    """
    try:
        with (
            atomic_file(file_to_write(target)) as part,
            # Files from before 1980, as some tools leave them, have no place in a zip's calendar.
            zipfile.ZipFile(part, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive,
        ):
            yield from (_coco if form == "coco" else _plain)(data, archive, on_problem or _ignore)
    except OSError as error:
        raise UserError(f"The export stopped: {system_said(error)}.") from error
    yield target


def _ignore(problem: Problem) -> None:
    """For callers that do not ask which pairs are not in the export."""


def _plain(data: DataFolder, archive: zipfile.ZipFile, on_problem: OnProblem) -> Iterator[float]:
    task, binary = data.encoding.task, _binary_encoding(data)
    codes = np.arange(256, dtype=np.uint8)  # what is written for each label
    if task.kind == "binary" and not binary.has_void:
        codes[1] = 255
    renamed: dict[str, str] = {}
    for done, (pair, flat) in enumerate(_flat_names(data.pairs), 1):
        try:
            _, labels = read_pair(pair, data.encoding, max_side=64)
            renamed[pair.name] = _write_photo(archive, pair.image, flat)
        except UserError as error:
            on_problem(Problem(pair.name, str(error)))
            continue
        stem = PurePosixPath(flat).stem
        if task.kind == "multilabel":
            for bit, label in enumerate(task.classes):
                layer = (labels >> np.uint8(bit) & 1) * np.uint8(255)
                archive.writestr(f"masks/{label}/{stem}.png", encode(np.asarray(layer, np.uint8)))
        else:
            archive.writestr(f"masks/{stem}.png", encode(codes[labels]))
        yield done / len(data.pairs)
    splits = [tuple(renamed[n] for n in names if n in renamed) for names in
             (data.split.train, data.split.validation, data.split.test)]  # fmt: skip
    about = describe(data.name, binary, Split(*splits))
    if task.kind == "multiclass":
        written = Task("multiclass", task.classes, tuple(range(task.outputs)), IGNORE)
        about["mask_rule"] = {"task": written.to_dict()}
    elif task.kind == "multilabel":
        about["mask_rule"] = {"task": task.to_dict(), **PLAIN.to_dict()}
    if data.value_range:
        about[KEY] = list(data.value_range)
    archive.writestr("dataset.json", json.dumps(about, indent=2, ensure_ascii=False))


def _binary_encoding(data: DataFolder) -> BinaryEncoding:
    """What the masks of one foreground that are written mean."""
    has_void = isinstance(data.encoding, BinaryEncoding) and data.encoding.has_void
    return WITH_VOID if has_void else PLAIN


def _coco(data: DataFolder, archive: zipfile.ZipFile, on_problem: OnProblem) -> Iterator[float]:
    """Source of the form: https://cocodataset.org/#format-data"""
    from pycocotools import mask as coco_masks

    task = data.encoding.task
    found = coco_categories(task)
    files = {name: _coco_content(data, found) for name in COCO_FILES}
    split_of = {name: split for split in COCO_FILES for name in getattr(data.split, split)}
    annotations = 0
    for done, (pair, flat) in enumerate(_flat_names(data.pairs), 1):
        try:
            _, labels = read_pair(pair, data.encoding, max_side=64)
            height, width = photo_size(pair.image)
            written = _write_photo(archive, pair.image, flat)
        except UserError as error:
            on_problem(Problem(pair.name, str(error)))
            continue
        labels = data.encoding.resize(labels, (height, width))
        content = files[split_of[pair.name]]
        content["images"].append({"id": done, "file_name": written, "height": height, "width": width})
        for category, _, code in found:
            for part in connected_parts(_inside(labels, task, code)):
                runs = coco_masks.encode(np.asfortranarray(part))
                annotations += 1
                content["annotations"].append({
                    "id": annotations, "image_id": done, "category_id": category,
                    "segmentation": {"size": [height, width], "counts": runs["counts"].decode()},
                    "area": int(part.sum()), "bbox": coco_masks.toBbox(runs).tolist(), "iscrowd": 0,
                })  # fmt: skip
        yield done / len(data.pairs)
    for name, content in files.items():
        if content["images"]:
            archive.writestr(f"annotations/{COCO_FILES[name]}", json.dumps(content))


def _write_photo(archive: zipfile.ZipFile, photo: Path, name: str) -> str:
    """Copy a photo, upright like its labels where the file has an orientation: not every program turns it.
    Returns its name, whose suffix may be another."""
    turned = upright_copy(photo.read_bytes(), photo.name)
    if turned is None:
        archive.write(photo, f"images/{name}")
        return name
    suffix, content = turned
    name = name if suffix == ".jpg" else f"{PurePosixPath(name).stem}{suffix}"
    archive.writestr(f"images/{name}", content)
    return name


def _coco_content(data: DataFolder, categories: list[tuple[int, str, int]]) -> dict[str, Any]:
    return {
        "info": {"description": data.name, "date_created": time.strftime("%Y/%m/%d")},
        "licenses": [],
        "categories": [{"id": i, "name": name, "supercategory": ""} for i, name, _ in categories],
        "images": [],
        "annotations": [],
    }


def coco_categories(task: Task) -> list[tuple[int, str, int]]:
    """(category id, name, label or bit) of everything but a background class, which COCO leaves blank."""
    if task.kind == "binary":
        return [(1, task.classes[0], 1)]
    background = task.kind == "multiclass" and task.classes[0].casefold() == "background"
    return [(i + 1, name, i) for i, name in enumerate(task.classes) if i or not background]


def connected_parts(inside: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """The connected parts of a 0/1 mask (h, w), each as a mask of its own."""
    count, numbers = cv2.connectedComponents(inside, connectivity=8)
    return [(numbers == i).astype(np.uint8) for i in range(1, count)]


def _inside(labels: NDArray[np.uint8], task: Task, code: int) -> NDArray[np.uint8]:
    if task.kind == "multilabel":
        return np.asarray(labels >> np.uint8(code) & 1, np.uint8)
    return np.asarray(labels == code, np.uint8)


def _flat_names(pairs: Sequence[Pair]) -> Iterator[tuple[Pair, str]]:
    """Names without folders, which stay apart: train/a.jpg becomes train-a.jpg."""
    for pair in pairs:
        name = PurePosixPath(pair.name.replace("/", "-"))
        yield pair, short_stem(name.stem) + pair.image.suffix
