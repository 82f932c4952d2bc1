"""Masks made by hand: what the brush left, what GrabCut made of a box, what a model predicted."""

import base64
import contextlib
import io
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.data import library
from core.data.classes import encoding_from_dict
from core.data.dataset import DATASET_FILE, LAYOUT_PAINTED, open_data, read_about, write_down
from core.data.importing.privacy import for_keeping
from core.data.importing.sources import HarmfulSourceError, open_source
from core.data.importing.sources import Source as ImportSource
from core.data.masks import BinaryEncoding, mask_values, resize_mask
from core.data.pairing import Problem, by_stem, masks_of
from core.data.photos import PHOTO_SUFFIXES, photo_size, read_photo, reading
from core.data.value_range import range_in
from core.errors import UserError
from core.imaging.rendering import display_size, encode
from core.policy.folders import require_folder
from core.policy.ownership import sign
from core.policy.permissions import needs
from core.system.workspace import cannot_write, safe_name, write_atomically, write_json
from core.task import IGNORE

GRABCUT_SIDE = 640  # pixels of the longer side at which GrabCut works
GRABCUT_ROUNDS = 5
MAX_MASK_BYTES = 50_000_000
PAINTED = BinaryEncoding(128, meaning="0 is background, 255 is foreground")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A photo to be painted. `is_done` says that it has a mask."""

    name: str
    photo: Path
    mask: Path
    is_done: bool

    @property
    def photo_id(self) -> str:
        """What names the photo to a browser: the data set's folder and the file; see `waiting_photo`."""
        return f"{self.photo.parent.parent.name}/{self.name}"


@needs("add")
def start(name: str, photos: Iterable[tuple[str, bytes]]) -> tuple[Path, list[Problem]]:
    """A new data set folder with these photos and no masks yet, and the photos that cannot be read.

    Photos are (file name, content), read one at a time. Raises UserError when the name is taken or none of
    the files is a photo; then nothing is left.
    """
    folder = library.new_folder(name)
    about = {"name": name.strip(), "mask_rule": PAINTED.to_dict(), "origin": {"layout": LAYOUT_PAINTED}}
    try:
        for part in ("images", "masks"):
            (folder / part).mkdir(parents=True)
        sign(folder)
        problems = _keep(folder, photos)
        write_json(folder / DATASET_FILE, about)
    except (OSError, UserError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise error if isinstance(error, UserError) else cannot_write(folder, error) from error
    return folder, problems


@needs("add")
def add_photos(folder: Path, photos: list[tuple[str, bytes]]) -> list[Problem]:
    """Add photos without masks to a painted data set; returns those that cannot be read.

    Raises UserError when none can.
    """
    require_folder(folder)
    return _keep(folder, photos)


def _keep(folder: Path, photos: Iterable[tuple[str, bytes]]) -> list[Problem]:
    """Write the photos into images/, and return those that cannot be read. Raises UserError when none can."""
    images, problems, kept = folder / "images", list[Problem](), 0
    taken = {path.stem for path in images.iterdir()}
    for file, content in photos:
        try:
            suffix, cleaned = for_keeping(content, file)
        except UserError as error:
            problems.append(Problem(file, str(error)))
            continue
        stem = _free_stem(_stem(file), taken)
        taken.add(stem)
        write_atomically(images / f"{stem}{suffix}", cleaned)
        kept += 1
    if not kept:
        raise UserError(problems[0].sentence if problems else "Choose at least one photo.")
    return problems


def _free_stem(stem: str, taken: set[str]) -> str:
    """The stem, with a number where a photo has it already."""
    if stem not in taken:
        return stem
    return next(free for number in count(2) if (free := f"{stem}-{number}") not in taken)


def _stem(file: str) -> str:
    try:
        return safe_name(Path(file).stem, "photo name")
    except UserError:
        return "photo"  # of a name of emoji alone, as phones give them


def photos_in(source: ImportSource, names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """(file name, content) of photos of a source, as `start` takes them; one that cannot be read is empty,
    which `start` reports."""
    for name in names:
        try:
            content = source.read(name)
        except HarmfulSourceError:
            raise
        except UserError:
            content = b""
        yield name.rsplit("/", 1)[-1], content


def photos_in_folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    """(file name, content) of the photos in a folder of this machine, or of a data set of the workspace
    without its masks, as `start` takes them.

    Raises UserError if there is no such folder, no photo in it, or the current person may not read it.
    """
    if library.is_owned(folder):
        require_folder(folder)
        photos = [waiting.photo for waiting in photos_of(folder)]
        for photo in photos or [pair.image for pair in open_data(folder).pairs]:
            yield photo.name, photo.read_bytes()
        return
    source = open_source(folder)
    names = [name for name in source.names if Path(name).suffix.lower() in PHOTO_SUFFIXES]
    if not names:
        raise UserError(f"There are no photos in {folder}.")
    yield from photos_in(source, names)


def photos_of(folder: Path) -> list[Waiting]:
    """The photos of a data set with flat images/ and masks/, by name. [] where it is laid out otherwise."""
    require_folder(folder)
    images, masks = folder / "images", folder / "masks"
    if not images.is_dir() or not masks.is_dir() or any(p.is_dir() for p in masks.iterdir()):
        return []
    photos = by_stem(images, PHOTO_SUFFIXES, [])
    done = masks_of(photos, masks, [])
    return [
        Waiting(p.name, p, done.get(stem, masks / f"{p.stem}.png"), stem in done)
        for stem, p in sorted(photos.items(), key=lambda entry: entry[1].name)
    ]


def waiting_photo(photo_id: str) -> Waiting:
    """The photo of this `photo_id`. Raises UserError where the workspace has none, or not any more."""
    folder, _, name = photo_id.partition("/")
    for root in library.list_datasets():
        if root.name == folder:
            for waiting in photos_of(root):
                if waiting.name == name:
                    return waiting
    raise UserError(f"{name or 'The photo'} is not there any more: reload the page.")


def require_paintable(folder: Path, photo: str = "") -> None:
    """Raise UserError, with what to do instead, where masks of a data set cannot be painted, or that of this
    photo of it cannot."""
    require_folder(folder)
    if not library.is_owned(folder):
        raise UserError("Import this data set first: masks are painted in the app's own copy of it.")
    value_map(_encoding_in(folder, photo))
    if not photos_of(folder):
        raise UserError("Masks can be painted where photos lie in images/ and their masks in masks/.")


def mask_from(url: str, size: tuple[int, int]) -> NDArray[np.uint8]:
    """A mask that the browser sent, a PNG as a data URL, as a mask of 0 and 1 (height, width) uint8.

    White from half on is foreground. Raises UserError when it is anything else.
    """
    head, _, body = url.partition(",")
    if head != "data:image/png;base64" or len(body) > MAX_MASK_BYTES * 4 / 3:
        raise UserError("The painted mask did not arrive whole: save it again.")
    with reading("The painted mask", "The painted mask did not arrive whole: save it again."):
        picture = Image.open(io.BytesIO(base64.b64decode(body, validate=True)), formats=["PNG"])
        if (picture.height, picture.width) != size:
            raise UserError("The painted mask is of another photo: reload the page.")
        grey = np.asarray(picture.convert("RGB"))[..., 0]
    return (grey >= 128).astype(np.uint8)


def mask_url(mask: NDArray[np.uint8]) -> str:
    """A mask of 0 and 1 as the browser takes it."""
    return "data:image/png;base64," + base64.b64encode(encode(mask * np.uint8(255))).decode()


def saved_mask(waiting: Waiting) -> NDArray[np.uint8]:
    """The mask that a photo has, 0 and 1, at the photo's own size."""
    return np.asarray(
        _saved_labels(waiting, _encoding_in(waiting.photo.parent.parent, waiting.name)) == 1, np.uint8
    )


def _saved_labels(waiting: Waiting, encoding: BinaryEncoding) -> NDArray[np.uint8]:
    labels = encoding.labels(mask_values(waiting.mask, waiting.photo, palette=encoding.palette))
    return resize_mask(labels, photo_size(waiting.photo))


@needs("change")
def save_mask(waiting: Waiting, mask: NDArray[np.uint8]) -> Path:
    """Write a mask of 0 and 1 for a photo, in the terms of its data set. Returns its path.

    Where the mask before was void and nothing is painted, it stays void.
    Raises UserError where the data set's masks are not of one foreground.
    """
    folder = waiting.photo.parent.parent
    require_folder(folder)
    encoding = _encoding_in(folder, waiting.photo.name)
    if waiting.is_done and encoding.has_void:
        with contextlib.suppress(UserError):  # a damaged mask is what painting it again replaces
            void = _saved_labels(waiting, encoding) == IGNORE
            mask = np.where(void & (mask == 0), np.uint8(IGNORE), mask)
    values = value_map(encoding)[mask]
    target = waiting.mask.with_suffix(".png")
    write_atomically(target, encode(values))
    if waiting.is_done and waiting.mask != target:
        waiting.mask.unlink(missing_ok=True)
    if len([w for w in photos_of(folder) if w.is_done]) >= 2:
        write_down(open_data(folder))
    return target


def grabcut(
    photo: NDArray[np.uint8], box: tuple[int, int, int, int], hints: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """What stands out in a box (left, top, right, bottom) of a photo (h, w, 3): a mask of 0 and 1 (h, w).

    `hints` (h, w): 1 where it is surely foreground. Source: Rother et al., GrabCut (2004), as in OpenCV.
    Raises UserError when the box is too small.
    """
    small = display_size(photo, GRABCUT_SIDE)
    scale = small.shape[1] / photo.shape[1]
    left, top, right, bottom = (round(v * scale) for v in box)
    left, top = max(0, left), max(0, top)
    right, bottom = min(small.shape[1], right), min(small.shape[0], bottom)
    if right - left < 4 or bottom - top < 4:
        raise UserError("The box is too small: draw it around the whole of what should be found.")
    marks: NDArray[np.uint8] = np.full(small.shape[:2], cv2.GC_BGD, np.uint8)
    marks[top:bottom, left:right] = cv2.GC_PR_FGD
    if hints is not None:
        sure = cv2.resize(hints, (small.shape[1], small.shape[0]), interpolation=cv2.INTER_NEAREST_EXACT)
        marks[np.asarray(sure) > 0] = cv2.GC_FGD
    if not (marks == cv2.GC_BGD).any():
        marks[:2], marks[-2:], marks[:, :2], marks[:, -2:] = (cv2.GC_BGD,) * 4
    cv2.setRNGSeed(0)
    background, subject = np.zeros((1, 65)), np.zeros((1, 65))
    bgr = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
    nowhere = (0, 0, 0, 0)
    cv2.grabCut(bgr, marks, nowhere, background, subject, GRABCUT_ROUNDS, cv2.GC_INIT_WITH_MASK)
    inside = np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    size = (photo.shape[1], photo.shape[0])
    grown = cv2.resize(inside * np.uint8(255), size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.asarray(grown) >= 128, np.uint8)


def canvas_of(waiting: Waiting, max_side: int) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """The photo to paint on, at most `max_side` long, and the (height, width) that its mask has."""
    return photo_to_paint(waiting, max_side), photo_size(waiting.photo)


def photo_to_paint(waiting: Waiting, max_side: int | None = None) -> NDArray[np.uint8]:
    """The photo as its data set has it read: RGB uint8 (h, w, 3)."""
    path = waiting.photo.parent.parent / DATASET_FILE
    values = range_in(read_about(path.parent)) if path.is_file() else None
    return read_photo(waiting.photo, max_side=max_side, value_range=values)


def _encoding_in(folder: Path, photo: str = "") -> BinaryEncoding:
    """How a data set's masks are encoded. Raises UserError where that is not as one foreground, or where the
    mask of this photo is read inverted."""
    about = read_about(folder) if (folder / DATASET_FILE).is_file() else {}
    if photo in about.get("inverted", ()):
        raise UserError(f"The mask of {photo} is inverted: undo that under Findings first, then paint.")
    written = about.get("mask_rule") or PAINTED.to_dict()
    if "task" in written:
        classes = encoding_from_dict(written).task.classes
        raise UserError(
            f"These masks have {len(classes)} classes, and only masks of one foreground can be painted. "
            "Correct them on the Label page, or choose under Findings, in How the masks are read, which "
            "classes are the foreground."
        )
    return BinaryEncoding.from_dict(written)


def value_map(encoding: BinaryEncoding) -> NDArray[np.uint8]:
    """The mask values that a data set's encoding reads as each label, 0, 1 and IGNORE: uint8 (256,)."""
    labels = encoding.labels(np.arange(256, dtype=np.int32))
    inside, outside, void = (np.flatnonzero(labels == label) for label in (1, 0, IGNORE))
    if not len(inside):
        raise UserError("The masks of this data set hold no value that means foreground.")
    table: NDArray[np.uint8] = np.zeros(256, np.uint8)
    table[0] = outside[0] if len(outside) else 0
    table[1] = next((value for value in (255, 1) if value in inside), inside[-1])
    table[IGNORE] = void[-1] if len(void) else 0
    return table
