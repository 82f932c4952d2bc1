"""Where the classes of stored masks are: some pixels of each, so that patches can be centred on them."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.data.store import Store
from core.system.workspace import write_atomically
from core.task import Task

FILE = "places-{kind}-{outputs}.npz"
PIXELS = 200  # kept of each class of each image
BLOCK = 1 << 20  # pixels of a mask that are looked at together: a large mask's indices would take gigabytes


@dataclass(frozen=True, slots=True)
class ClassPlaces:
    """For each row, the class of an image and where its `pixels` end: int32 indices into the flat mask.

    `images` (rows,) is sorted. A class is 1 for the foreground, else an index as in `Task.classes`.
    """

    images: NDArray[np.int32]
    classes: NDArray[np.uint8]
    ends: NDArray[np.int64]
    pixels: NDArray[np.int32]

    def draw(self, image: int, random: np.random.Generator) -> int | None:
        """A pixel of a class of this image, each class as likely as any other; None where it holds none."""
        first, last = np.searchsorted(self.images, [image, image + 1])
        if first == last:
            return None
        row = int(random.integers(first, last))
        start = int(self.ends[row - 1]) if row else 0
        return int(self.pixels[random.integers(start, self.ends[row])])


def class_places(store: Store, task: Task) -> ClassPlaces:
    """The places of the foreground, or of each class but the one with the most pixels, or of each label.

    They are kept in the store's folder.
    """
    file = store.folder / FILE.format(kind=task.kind, outputs=task.outputs)
    if file.is_file():
        with np.load(file) as kept:
            return ClassPlaces(*(kept[name] for name in ("images", "classes", "ends", "pixels")))
    found = _found(store, task)
    stream = io.BytesIO()
    np.savez(stream, images=found.images, classes=found.classes, ends=found.ends, pixels=found.pixels)
    write_atomically(file, stream.getvalue())
    return found


def _found(store: Store, task: Task) -> ClassPlaces:
    counts = np.stack([_counts(store[index][1], task) for index in range(len(store))])
    if task.kind == "multiclass":
        counts[:, counts.sum(axis=0).argmax()] = 0
    images, classes = np.nonzero(counts)
    pixels = [
        _sample(store[image][1].ravel(), task, number, int(counts[image, number]))
        for image, number in zip(images.tolist(), classes.tolist(), strict=True)
    ]
    ends = np.cumsum([len(some) for some in pixels], dtype=np.int64)
    joined = np.concatenate(pixels) if pixels else np.zeros(0, np.int32)
    return ClassPlaces(images.astype(np.int32), classes.astype(np.uint8), ends, joined)


def _counts(labels: NDArray[np.uint8], task: Task) -> NDArray[np.int64]:
    """Pixels of each class; of a task with one foreground those of background are 0."""
    codes = np.bincount(labels.ravel(), minlength=256)
    if task.kind == "multilabel":
        every = np.arange(256)
        return np.array([codes[(every >> bit & 1) == 1].sum() for bit in range(task.outputs)])
    if task.kind == "binary":
        return np.array([0, codes[1]])
    return codes[: task.outputs]


def _sample(labels: NDArray[np.uint8], task: Task, number: int, count: int) -> NDArray[np.int32]:
    """Up to PIXELS of the `count` pixels of a class, each as likely as any other, in order."""
    random = np.random.default_rng((count, number))  # the same in every process
    ranks = np.sort(random.choice(count, min(count, PIXELS), replace=False, shuffle=False))
    found, seen = [], 0
    for start in range(0, len(labels), BLOCK):
        block = labels[start : start + BLOCK]
        inside = block >> number & 1 if task.kind == "multilabel" else block == number
        here = np.flatnonzero(inside)
        wanted = ranks[(ranks >= seen) & (ranks < seen + len(here))] - seen
        found.append(start + here[wanted])
        seen += len(here)
    return np.concatenate(found).astype(np.int32)
