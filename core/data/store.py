"""Pairs decoded and resized once, kept as uint8 in memory-mapped files.

Decoding photos costs more than a small network's forward pass; it is done once per data set and
size, with all cores, and found again by the next run. Photos keep their shape: each is stored with
its own height and width, one after the other. A pair that cannot be used is left out and named, so
that one bad file never ends a training.
"""

import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.data.classes import LayersEncoding, MaskEncoding, marks_one
from core.data.masks import mask_values, resize_mask, same_shape, swapped
from core.data.pairing import Pair, Problem
from core.data.photos import photo_size, read_photo
from core.errors import UserError
from core.imaging.label_resizing import resize_labels
from core.imaging.resizing import resize_picture
from core.system import workspace
from core.system.atomic import part_folder
from core.system.parallel import all_cores, in_order

LAYOUT = 5  # raised when what is stored changes, so that old files are not read as new ones
AHEAD = 64  # pairs that are decoded before they are written
INDEX, PIXELS, LABELS = "index.json", "pixels.bin", "labels.bin"


@dataclass(frozen=True, slots=True)
class Store:
    """Decoded pairs: `pixels` and `labels` are flat uint8 arrays, `shapes` (n, 2) heights and widths.

    `is_binary` says that labels are 0, 1 and IGNORE, of which the first two may be averaged; others are
    codes (core.task).
    `fingerprint` is the hash of everything that is stored: the same data anywhere has the same.
    """

    folder: Path
    names: tuple[str, ...]
    shapes: NDArray[np.int64]
    pixels: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    problems: tuple[Problem, ...]
    offsets: NDArray[np.int64]
    is_binary: bool = True
    fingerprint: str = ""

    def __reduce__(self) -> tuple[Callable[[Path], "Store"], tuple[Path]]:
        """Another process opens the files itself; a pickled memory map would be a copy of them all."""
        return _opened, (self.folder,)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The photo (h, w, 3) and its labels (h, w), uint8, views into the files."""
        height, width = self.shapes[index]
        start, size = self.offsets[index], height * width
        photo = self.pixels[3 * start : 3 * (start + size)].reshape(height, width, 3)
        return photo, self.labels[start : start + size].reshape(height, width)

    def batch(
        self, indices: Iterable[int], height: int, width: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """These pairs stretched to one size: uint8 (n, height, width, 3) and (n, height, width)."""
        photos, masks = [], []
        resize = resize_mask if self.is_binary else resize_labels
        for index in indices:
            photo, mask = self[index]
            photos.append(resize_picture(photo, (height, width)))
            masks.append(resize(mask, (height, width)))
        return np.stack(photos), np.stack(masks)


def stored_side(height: int, width: int) -> int:
    """Longer side, in pixels, at which photos are kept: a third more than the network's, for crops."""
    return math.ceil(max(height, width) * 4 / 3)


def read_pair(
    pair: Pair, encoding: MaskEncoding, max_side: int | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Photo (h, w, 3) and labels (at the mask's own resolution), uint8, both upright.

    Raises UserError, naming the file, when one cannot be read or their shapes differ.
    """
    photo = read_photo(pair.image, max_side=max_side, value_range=pair.value_range)
    if isinstance(encoding, LayersEncoding):
        return photo, _joined(pair, encoding, photo.shape)
    values = _fitting(pair, encoding, pair.mask, photo.shape)
    labels = encoding.labels(values)
    return photo, swapped(labels) if pair.inverted and marks_one(encoding) else labels


def stored_form(
    photo: NDArray[np.uint8], labels: NDArray[np.uint8], encoding: MaskEncoding, long_side: int | None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A pair at the size at which training keeps it: (h, w, 3) and (h, w), h and w at most `long_side`; None
    for the photo's own."""
    scale = min(1.0, long_side / max(photo.shape[:2])) if long_side else 1.0
    size = max(1, round(photo.shape[0] * scale)), max(1, round(photo.shape[1] * scale))
    return resize_picture(photo, size), encoding.resize(labels, size)


def _joined(pair: Pair, encoding: LayersEncoding, photo: tuple[int, ...]) -> NDArray[np.uint8]:
    """Every label's own file as one bit of uint8 labels, at the size of the largest of them."""
    layers = [
        encoding.labels(_fitting(pair, encoding, path, photo)) if path else None for path in pair.layers
    ]
    size = max((layer.shape for layer in layers if layer is not None), key=math.prod)
    labels = np.zeros(size, np.uint8)
    for bit, layer in enumerate(layers):
        if layer is not None:
            labels |= resize_mask(layer, (size[0], size[1])) << np.uint8(bit)
    return labels


def _fitting(pair: Pair, encoding: MaskEncoding, mask: Path, photo: tuple[int, ...]) -> NDArray[np.int32]:
    """The values of a mask file. Raises UserError where its shape is not that of the photo."""
    values = mask_values(mask, pair.image, palette=encoding.palette)
    if same_shape(values.shape, photo):
        return values
    which = f"{mask.parent.name}/{mask.name}" if pair.layers else "its mask"
    raise UserError(
        f"{pair.name} and {which} differ in shape ({photo[1]}x{photo[0]} and {_size(values)}): "
        "export the mask again from this photo."
    )


def build_store(
    pairs: Sequence[Pair], encoding: MaskEncoding, long_side: int | None
) -> Iterator[int | Store]:
    """Decode these pairs with the longer side at most `long_side` pixels, or at their own size if it is None,
    or find them decoded.

    Yields how many pairs are done, then the Store. Raises UserError when the disk is too full.
    """
    folder = workspace.cache() / "pairs" / _fingerprint(pairs, encoding, long_side)
    if (folder / INDEX).is_file():
        yield _opened(folder)
        return
    _check_disk(pairs, long_side)
    with part_folder(folder) as making:
        yield from _fill(making, pairs, encoding, long_side)
        if not (folder / INDEX).is_file():  # another training may have been quicker
            shutil.rmtree(folder, ignore_errors=True)
            making.rename(folder)
    yield _opened(folder)


def _check_disk(pairs: Sequence[Pair], long_side: int | None) -> None:
    """Raises UserError when the pairs may need more space than there is."""
    if long_side is None:
        needed, smaller = 4 * sum(_pixels(pair) for pair in pairs), "train on whole photos instead of patches"
    else:
        needed, smaller = 4 * len(pairs) * long_side**2, "choose a smaller size"
    if shutil.disk_usage(workspace.cache()).free < needed:
        raise UserError(
            f"Preparing these photos may need {needed / 1e9:.1f} GB on the disk of {workspace.cache()}: "
            f"free some space or {smaller}."
        )


def _pixels(pair: Pair) -> int:
    try:
        return math.prod(photo_size(pair.image))
    except UserError:
        return 0  # it will be left out


def _fill(
    folder: Path, pairs: Sequence[Pair], encoding: MaskEncoding, long_side: int | None
) -> Iterator[int]:
    names: list[str] = []
    shapes: list[tuple[int, int]] = []
    digest = hashlib.blake2b(digest_size=16)
    problems: list[Problem] = []

    def read(pair: Pair) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | Problem:
        try:
            # Twice the size keeps the JPEG decoder's cheap scaling from costing sharpness.
            photo, mask = read_pair(pair, encoding, max_side=long_side and 2 * long_side)
        except UserError as error:
            return Problem(pair.name, str(error))
        return stored_form(photo, mask, encoding, long_side)

    ahead = AHEAD if long_side else 2 * (os.cpu_count() or 1)  # photos of 60 megapixels take 240 MB each
    with (
        all_cores() as pool,
        open(folder / PIXELS, "wb") as pixels,
        open(folder / LABELS, "wb") as labels,
    ):
        for done, (pair, result) in enumerate(zip(pairs, in_order(pool, read, pairs, ahead), strict=True), 1):
            if isinstance(result, Problem):
                problems.append(result)
            else:
                photo, mask = result
                pixels.write(photo.tobytes())
                labels.write(mask.tobytes())
                names.append(pair.name)
                shapes.append(mask.shape)
                digest.update(f"{pair.name} {mask.shape}\n".encode())
                digest.update(photo.tobytes())
                digest.update(mask.tobytes())
            if done % 16 == 0:
                yield done
    index = {
        "names": names,
        "shapes": shapes,
        "problems": [[p.name, p.sentence] for p in problems],
        "is_binary": encoding.task.kind == "binary",
        "fingerprint": digest.hexdigest(),
    }
    (folder / INDEX).write_text(json.dumps(index), "utf-8")


def _opened(folder: Path) -> Store:
    index = json.loads((folder / INDEX).read_text("utf-8"))
    shapes = np.asarray(index["shapes"], np.int64).reshape(-1, 2)
    areas = shapes.prod(axis=1)
    return Store(
        folder,
        tuple(index["names"]),
        shapes,
        _mapped(folder / PIXELS),
        _mapped(folder / LABELS),
        tuple(Problem(*entry) for entry in index["problems"]),
        np.concatenate([[0], np.cumsum(areas)[:-1]]).astype(np.int64) if len(areas) else areas,
        bool(index["is_binary"]),
        str(index["fingerprint"]),
    )


def _mapped(path: Path) -> NDArray[np.uint8]:
    # A file of no bytes cannot be mapped; it means that no pair was usable.
    return np.memmap(path, np.uint8, "r") if path.stat().st_size else np.zeros(0, np.uint8)


def _fingerprint(pairs: Sequence[Pair], encoding: MaskEncoding, long_side: int | None) -> str:
    """Changes whenever a file, the meaning of the masks or the size does."""
    digest = hashlib.sha256(repr((LAYOUT, encoding.to_dict(), long_side)).encode())
    for pair in pairs:
        if pair.value_range:
            digest.update(repr(pair.value_range).encode())
        if pair.inverted:
            digest.update(b"inverted\n")
        for path in pair.files:
            stat = path.stat()
            digest.update(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:32]


def _size(array: NDArray[np.generic]) -> str:
    return f"{array.shape[1]}x{array.shape[0]}"
