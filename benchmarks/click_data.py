"""Crops with one object to be clicked on, for benchmarks/train_click.py, from public sources laid out as

    SOURCE/people  street  portraits  animals  camvid/train  pedestrians  (images and masks)
    SOURCE/cutouts/*.png  SOURCE/backgrounds/*.jpg

Held out and never used: the last 58 people, the last 120 of street and the last 40 horses by sorted name, the
portraits that split.json lists under "test", and camvid/val.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from skimage.segmentation import felzenszwalb

from core.data.masks import resize_mask
from core.data.photos import read_photo
from core.imaging.label_resizing import resize_labels
from core.imaging.resizing import resize_picture

LONG_SIDE = 400
REGIONS_SIDE = 240
HELD_OUT = {"people": 58, "street": 120, "horses": 40}
VOID = 255
# How often a sample is of each source; "pasted" and "region" are made of the others.
SHARES = {"people": 0.18, "street": 0.09, "portraits": 0.05, "horses": 0.12, "pets": 0.08, "camvid": 0.08,
          "pedestrians": 0.09, "pasted": 0.22, "region": 0.09}  # fmt: skip
PIXELS = 4  # channels that are stored: the photo's and the labels


@dataclass(frozen=True)
class Stored:
    """Photos and labels, decoded once, in one memory-mapped file."""

    values: np.ndarray
    sizes: dict[str, list[tuple[int, int, int]]]  # of each source: offset, height, width

    def pair(self, source: str, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Photo (h, w, 3) and labels (h, w), uint8: 0 background, 255 void, the others an object each."""
        offset, height, width = self.sizes[source][index]
        flat = self.values[offset : offset + height * width * PIXELS].reshape(height, width, PIXELS)
        return flat[..., :3], flat[..., 3]


def stored(source: Path, folder: Path) -> Stored:
    """Decode everything into `folder`, unless it is there."""
    index = folder / "index.json"
    if not index.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        sizes: dict[str, list[tuple[int, int, int]]] = {}
        offset = 0
        with open(folder / "pixels.bin", "wb") as file:
            for kind, photo, labels in decoded(source):
                flat = np.dstack([photo, labels])
                sizes.setdefault(kind, []).append((offset, *labels.shape))
                file.write(flat.tobytes())
                offset += flat.size
        index.write_text(json.dumps(sizes))
    values = np.memmap(folder / "pixels.bin", np.uint8, "r")
    return Stored(values, json.loads(index.read_text()))


def decoded(source: Path) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    split = json.loads((source / "portraits" / "split.json").read_text())
    animals = sorted((source / "animals" / "images").iterdir())
    horses = [p for p in animals if p.name.startswith("horse_")][: -HELD_OUT["horses"]]
    listed = {
        "people": files(source / "people")[: -HELD_OUT["people"]],
        "street": files(source / "street")[: -HELD_OUT["street"]],
        "portraits": [source / "portraits" / "images" / name for name in split["train"][::3]],
        "horses": horses,
        "pets": [p for p in animals if p.name.startswith("pet_")],
        "camvid": files(source / "camvid" / "train"),
        "pedestrians": files(source / "pedestrians"),
    }
    for kind, paths in listed.items():
        for number, path in enumerate(paths):
            photo, labels = pair_of(kind, path)
            yield kind, photo, labels
            if kind in ("camvid", "street", "people", "pedestrians") and number % 5 == 0:
                yield "region", *regions(photo)
    for path in files(source, "backgrounds"):
        photo = shrunk(read_photo(path))
        yield "background", photo, np.zeros(photo.shape[:2], np.uint8)
        yield "region", *regions(photo)
    for path in files(source, "cutouts"):
        figure = shrunk(np.asarray(Image.open(path).convert("RGBA")))
        yield "cutout", figure[..., :3], np.where(figure[..., 3] >= 128, 1, 0).astype(np.uint8)


def files(folder: Path, below: str = "images") -> list[Path]:
    return sorted((folder / below).iterdir())


def shrunk(photo: np.ndarray) -> np.ndarray:
    scale = min(1.0, LONG_SIDE / max(photo.shape[:2]))
    size = max(1, round(photo.shape[0] * scale)), max(1, round(photo.shape[1] * scale))
    if photo.shape[2] == 4:
        return np.dstack(
            [resize_picture(photo[..., :3].copy(), size), resize_picture(photo[..., 3].copy(), size)]
        )
    return resize_picture(photo, size)


def pair_of(kind: str, path: Path) -> tuple[np.ndarray, np.ndarray]:
    photo = shrunk(read_photo(path))
    size = photo.shape[0], photo.shape[1]
    values = np.asarray(Image.open(path.parents[1] / "masks" / f"{path.stem}.png")).astype(np.uint8)
    if kind == "camvid":
        labels = resize_labels(np.where(values == 11, VOID, values + 1).astype(np.uint8), size)
    elif kind == "pedestrians":
        labels = resize_labels(values, size)
    else:
        labels = resize_mask((values > (0 if values.max() <= 1 else 127)).astype(np.uint8), size)
    return photo, labels


def regions(photo: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pieces of one colour, of any shape, each an object of its own."""
    scale = REGIONS_SIDE / max(photo.shape[:2])
    small = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    found = felzenszwalb(small, scale=400, sigma=0.8, min_size=250)
    labels = (found % 250 + 1).astype(np.uint8)
    return photo, cv2.resize(labels, photo.shape[1::-1], interpolation=cv2.INTER_NEAREST_EXACT)


@dataclass
class Sample:
    """A crop: photo (side, side, 3), what is the object, and what nobody knows, (side, side)."""

    photo: np.ndarray
    truth: np.ndarray
    void: np.ndarray


def sample(data: Stored, side: int, random: np.random.Generator) -> Sample:
    """A random crop with an object that is neither tiny nor everything."""
    while True:
        kind = str(random.choice(list(SHARES), p=list(SHARES.values())))
        made = pasted(data, side, random) if kind == "pasted" else cropped(data, kind, side, random)
        share = made.truth.mean()
        if 0.005 < share < 0.95 and (made.truth & ~made.void).any():
            photo = recoloured(made.photo, random)
            return Sample(np.ascontiguousarray(photo), made.truth, made.void)


def cropped(data: Stored, kind: str, side: int, random: np.random.Generator) -> Sample:
    photo, labels = data.pair(kind, int(random.integers(len(data.sizes[kind]))))
    target = target_of(kind, labels, random)
    if not target.any():
        return empty(side)
    matrix = framing(target, side, random)
    return warped(photo, target, labels == VOID, matrix, side)


def empty(side: int) -> Sample:
    nothing = np.zeros((side, side), bool)
    return Sample(np.zeros((side, side, 3), np.uint8), nothing, nothing)


def target_of(kind: str, labels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    present = [v for v in np.unique(labels) if v not in (0, VOID)]
    if not present:
        return np.zeros(labels.shape, bool)
    target = labels == random.choice(present)
    apart = {"camvid": 0.6, "people": 0.2, "region": 0.0}.get(kind, 0.05)
    if random.random() < apart:  # one of several parts
        _, parts, stats, _ = cv2.connectedComponentsWithStats(target.astype(np.uint8))
        large = [i for i in range(1, len(stats)) if stats[i, cv2.CC_STAT_AREA] > 0.002 * labels.size]
        if large:
            target = parts == random.choice(large)
    return target


def framing(target: np.ndarray, side: int, random: np.random.Generator) -> np.ndarray:
    """The affine map from the photo to the crop: around the object, or the whole photo."""
    height, width = target.shape
    rows, columns = np.flatnonzero(target.any(1)), np.flatnonzero(target.any(0))
    if random.random() < 0.3:
        centre, size = (width / 2, height / 2), max(height, width) * random.uniform(0.9, 1.05)
    else:
        extent = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
        size = min(max(48.0, extent * random.uniform(1.05, 2.4)), max(height, width) * 1.05)
        middle = (columns[0] + columns[-1]) / 2, (rows[0] + rows[-1]) / 2
        shift = size * 0.3
        centre = (
            within(middle[0] + random.uniform(-shift, shift), size, width),
            within(middle[1] + random.uniform(-shift, shift), size, height),
        )
    angle = random.uniform(-20, 20) if random.random() < 0.4 else 0.0
    matrix = cv2.getRotationMatrix2D(centre, angle, side / size)
    stretch = np.exp(random.uniform(-0.2, 0.2))
    flip = -1.0 if random.random() < 0.5 else 1.0
    to_origin = matrix - np.array([[0, 0, centre[0]], [0, 0, centre[1]]])
    scaled = np.diag([flip * stretch, 1 / stretch]) @ to_origin
    return scaled + np.array([[0, 0, side / 2], [0, 0, side / 2]])


def within(middle: float, size: float, extent: float) -> float:
    """The middle of a crop moved so that as little of it as possible is beyond the photo."""
    return extent / 2 if size >= extent else float(np.clip(middle, size / 2, extent - size / 2))


def warped(photo: np.ndarray, target: np.ndarray, void: np.ndarray, matrix: np.ndarray, side: int) -> Sample:
    """Beyond the photo's edge it is mirrored, as a padded photo is, and nobody knows what is object."""
    scale = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    if scale < 0.6:  # else only some pixels are seen
        photo = cv2.GaussianBlur(photo, (0, 0), 0.4 / scale)
    size = (side, side)
    image = cv2.warpAffine(photo, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    share = cv2.warpAffine(target.astype(np.uint8) * 255, matrix, size, flags=cv2.INTER_LINEAR)
    known = cv2.warpAffine((~void).astype(np.uint8) * 255, matrix, size, flags=cv2.INTER_LINEAR)
    return Sample(image, share >= 128, known < 128)


def pasted(data: Stored, side: int, random: np.random.Generator) -> Sample:
    """Objects of other photos on a background, one of them the target, partly covered by the others."""
    behind = str(random.choice(["background", "background", "camvid", "street", "pets"]))
    photo, _ = data.pair(behind, int(random.integers(len(data.sizes[behind]))))
    whole = np.ones(photo.shape[:2], bool)
    canvas = warped(photo, whole, ~whole, framing(whole, side, random), side).photo
    objects: list[np.ndarray] = []
    for _ in range(int(random.choice([1, 2, 3], p=[0.5, 0.3, 0.2]))):
        kind = str(random.choice(["cutout", "horses", "pets", "people", "street", "region"]))
        source, labels = data.pair(kind, int(random.integers(len(data.sizes[kind]))))
        target = target_of(kind, labels, random)
        if not target.any():
            continue
        matrix = framing(target, side, random)
        piece = warped(source, target, np.zeros(target.shape, bool), matrix, side)
        alpha = cv2.GaussianBlur(piece.truth.astype(np.float32), (0, 0), random.uniform(0.4, 1.0))[..., None]
        canvas = (alpha * piece.photo + (1 - alpha) * canvas).astype(np.uint8)
        objects = [seen & ~piece.truth for seen in objects] + [piece.truth]
    if not objects:
        return empty(side)
    chosen = objects[int(random.integers(len(objects)))]
    return Sample(canvas, chosen, np.zeros((side, side), bool))


def recoloured(photo: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Strongly: light, contrast, saturation, hue; grey, blurred or noisy at times."""
    values = photo.astype(np.float32) / 255
    if random.random() < 0.3:
        values = values ** np.float32(np.exp(random.uniform(-0.5, 0.5)))
    grey = values @ np.array([0.299, 0.587, 0.114], np.float32)
    saturation = 0.0 if random.random() < 0.08 else random.uniform(0.4, 1.6)
    values = grey[..., None] + (values - grey[..., None]) * np.float32(saturation)
    values *= random.uniform(0.8, 1.2, 3).astype(np.float32)
    mean = values.mean()
    values = (values - mean) * np.float32(random.uniform(0.6, 1.4)) + mean * np.float32(
        random.uniform(0.7, 1.3)
    )
    kind = random.random()
    if kind < 0.12:
        values = cv2.GaussianBlur(values, (0, 0), random.uniform(0.5, 1.5))
    elif kind < 0.24:
        values += random.normal(0, random.uniform(0.01, 0.06), values.shape).astype(np.float32)
    return np.clip(values * 255, 0, 255).astype(np.uint8)
