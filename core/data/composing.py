"""Training pairs made of cut-outs and backgrounds: as many as wanted, with masks that are exact."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.data import library
from core.data.dataset import DATASET_FILE, open_data, write_down
from core.data.masks import BinaryEncoding
from core.data.photos import PHOTO_SUFFIXES, open_picture, read_photo, reading
from core.errors import UserError, system_said
from core.imaging.rendering import display_size, encode
from core.policy.ownership import sign
from core.policy.permissions import needs
from core.system.atomic import atomic_folder
from core.system.workspace import write_json

MAX_SIDE = 2048
MAX_PAIRS = 100_000
Pictures = Sequence[NDArray[np.uint8]]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Composition:
    """How pairs are put together. `height`, `width` in pixels; up to `subjects` cut-outs each, whose
    longer side is between `smallest` and `largest` of the picture's; `light` and `blur` from 0 (as
    they are) to 1."""

    count: int = 100
    height: int = 480
    width: int = 640
    subjects: int = 2
    smallest: float = 0.3
    largest: float = 0.95
    light: float = 0.5
    blur: float = 0.3
    seed: int = 0

    def __post_init__(self) -> None:
        if not 2 <= self.count <= MAX_PAIRS:
            raise UserError(f"{self.count} pairs cannot be made: ask for 2 to {MAX_PAIRS:,}.")
        if not (32 <= self.height <= MAX_SIDE and 32 <= self.width <= MAX_SIDE):
            raise UserError(
                f"{self.width}x{self.height} cannot be a size: use 32 to {MAX_SIDE} pixels a side."
            )
        if not 1 <= self.subjects <= 20 or not 0 < self.smallest <= self.largest <= 2:
            raise UserError("Use 1 to 20 cut-outs a picture, between 0 and 200 % of its size.")


def compose_one(
    how: Composition,
    cutouts: Sequence[NDArray[np.uint8]],
    backgrounds: Sequence[NDArray[np.uint8]],
    index: int,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Photo (h, w, 3) and mask (h, w) of 0 and 1, uint8, of pair number `index`.

    Cut-outs are RGBA (h, w, 4), backgrounds RGB. The same settings, pictures and index give the
    same pair. A pixel is foreground where a cut-out covers at least half of it.
    """
    random = np.random.default_rng((how.seed, index))
    canvas = _background(backgrounds[int(random.integers(len(backgrounds)))], how, random)
    mask = np.zeros((how.height, how.width), np.uint8)
    for _ in range(int(random.integers(1, how.subjects + 1))):
        subject = _varied(cutouts[int(random.integers(len(cutouts)))], how, random)
        _place(canvas, mask, subject, random)
    softened = _blurred(canvas, how, random)
    noise = random.normal(0, 2.5 * how.blur, canvas.shape)
    return np.clip(softened + noise, 0, 255).astype(np.uint8), mask


def read_cutout(source: Path | bytes, name: str = "") -> NDArray[np.uint8]:
    """An RGBA picture cropped to what is not transparent. Raises UserError where nothing, or all, is."""
    label = name or (source.name if isinstance(source, Path) else "The cut-out")
    picture = open_picture(source, label)
    with reading(label):
        rgba = np.asarray(picture.convert("RGBA"))
    inside = rgba[..., 3] >= 128
    if not inside.any() or inside.all():
        raise UserError(f"{label} is not a cut-out: its background should be transparent.")
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    return np.ascontiguousarray(rgba[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


@needs("add")
def compose(
    name: str,
    how: Composition,
    cutouts: Sequence[NDArray[np.uint8]],
    backgrounds: Sequence[NDArray[np.uint8]],
) -> Iterator[float | Path]:
    """Make a data set of the workspace. Yields the share done, then its folder.

    Raises UserError when the name is taken or there is nothing to compose; then nothing is left.
    """
    if not cutouts or not backgrounds:
        raise UserError("Composing needs at least one cut-out with transparency and one background.")
    folder = library.new_folder(name)
    try:
        with atomic_folder(folder) as making:
            for part in ("images", "masks"):
                (making / part).mkdir()
            for index in range(how.count):
                photo, mask = compose_one(how, cutouts, backgrounds, index)
                (making / "images" / f"{index:06d}.jpg").write_bytes(encode(photo, "JPEG"))
                (making / "masks" / f"{index:06d}.png").write_bytes(encode(mask * np.uint8(255)))
                yield (index + 1) / how.count
            sign(making)
            encoding = BinaryEncoding(128, meaning="0 is background, 255 is foreground")
            origin = {"layout": "composed", "pairs": how.count}
            about = {"name": name.strip(), "mask_rule": encoding.to_dict(), "origin": origin}
            write_json(making / DATASET_FILE, about)
            write_down(open_data(making))
    except OSError as error:
        library.new_folder(name)  # the name may have been taken meanwhile
        raise UserError(f"Composing stopped: {system_said(error)}.") from error
    yield folder


def pictures_in(folder: Path) -> list[Path]:
    """Picture files of a folder, by name. Raises UserError when there are none."""
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}.")
    found = sorted(p for p in folder.iterdir() if p.suffix.lower() in PHOTO_SUFFIXES and p.is_file())
    if not found:
        raise UserError(f"{folder} holds no pictures.")
    return found


def read_background(source: Path | bytes, name: str = "") -> NDArray[np.uint8]:
    """An RGB picture, no larger than it can be needed."""
    return display_size(read_photo(source, name, max_side=MAX_SIDE), MAX_SIDE)


def read_each(
    sources: Iterable[tuple[Path | bytes, str]], read: Callable[[Path | bytes, str], NDArray[np.uint8]]
) -> tuple[list[NDArray[np.uint8]], list[str]]:
    """The pictures that `read` can read, and why each other one cannot be, in a sentence.

    Raises UserError, the first of these, where there is no other.
    """
    pictures: list[NDArray[np.uint8]] = []
    problems: list[str] = []
    for source, name in sources:
        try:
            pictures.append(read(source, name))
        except UserError as error:
            problems.append(str(error))
    if problems and not pictures:
        raise UserError(problems[0])
    return pictures, problems


def _background(photo: NDArray[np.uint8], how: Composition, random: np.random.Generator) -> Floats:
    """A crop of the picture's shape, of 60 to 100 % of what fits, perhaps mirrored."""
    height, width = photo.shape[:2]
    fit = min(height / how.height, width / how.width) * random.uniform(0.6, 1.0)
    h, w = max(1, int(how.height * fit)), max(1, int(how.width * fit))
    top, left = int(random.integers(0, height - h + 1)), int(random.integers(0, width - w + 1))
    crop = photo[top : top + h, left : left + w]
    if random.random() < 0.5:
        crop = crop[:, ::-1]
    way = cv2.INTER_AREA if fit > 1 else cv2.INTER_LINEAR
    resized = cv2.resize(np.ascontiguousarray(crop), (how.width, how.height), interpolation=way)
    return _lit(np.asarray(resized, np.float32), how, random)


def _varied(cutout: NDArray[np.uint8], how: Composition, random: np.random.Generator) -> Floats:
    """The cut-out at its size, colours premultiplied with alpha: float32 (h, w, 4), alpha 0 to 1."""
    share = random.uniform(how.smallest, how.largest)
    fit = share * min(how.height / cutout.shape[0], how.width / cutout.shape[1])
    size = max(2, round(cutout.shape[1] * fit)), max(2, round(cutout.shape[0] * fit))
    alpha = cutout[..., 3:].astype(np.float32) / 255
    lit = _lit(cutout[..., :3].astype(np.float32), how, random)
    joined = np.dstack([lit * alpha, alpha])
    if random.random() < 0.5:
        joined = joined[:, ::-1]
    way = cv2.INTER_AREA if fit < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(np.ascontiguousarray(joined), size, interpolation=way), np.float32)


def _place(
    canvas: Floats,
    mask: NDArray[np.uint8],
    subject: Floats,
    random: np.random.Generator,
) -> None:
    """Lay the cut-out somewhere on the canvas, up to a third of it beyond the edge, and mark it."""
    height, width = mask.shape
    h, w = subject.shape[:2]
    top = int(random.integers(-(h // 3), max(1, height - h + h // 3)))
    left = int(random.integers(-(w // 3), max(1, width - w + w // 3)))
    y0, x0, y1, x1 = max(0, top), max(0, left), min(height, top + h), min(width, left + w)
    if y0 >= y1 or x0 >= x1:
        return
    part = subject[y0 - top : y1 - top, x0 - left : x1 - left]
    alpha = part[..., 3:]
    canvas[y0:y1, x0:x1] = canvas[y0:y1, x0:x1] * (1 - alpha) + part[..., :3]
    mask[y0:y1, x0:x1] |= (part[..., 3] >= 0.5).astype(np.uint8)


def _lit(colours: Floats, how: Composition, random: np.random.Generator) -> Floats:
    """Brighter or darker, warmer or colder."""
    gain = 1 + how.light * random.uniform(-0.5, 0.5)
    warmth = how.light * random.uniform(-0.15, 0.15)
    factors = np.array([gain * (1 + warmth), gain, gain * (1 - warmth)], np.float32)
    return np.asarray(np.clip(colours * factors, 0, 255), np.float32)


def _blurred(canvas: Floats, how: Composition, random: np.random.Generator) -> Floats:
    sigma = how.blur * random.uniform(0, 2.0)
    if sigma < 0.3:
        return canvas
    return np.asarray(cv2.GaussianBlur(canvas, (0, 0), sigma), np.float32)
