"""What a data set is like, measured on its training photos: the facts that a plan is made of."""

import contextlib
import hashlib
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.data.classes import MaskEncoding
from core.data.dataset import DataFolder
from core.data.pairing import Pair
from core.data.photos import LARGE, photo_size
from core.data.store import read_pair
from core.errors import UserError
from core.policy.permissions import needs
from core.system import workspace
from core.system.parallel import all_cores
from core.system.workspace import read_json, write_json
from core.task import IGNORE, Task
from core.training.planning.detail import Size, kept_dice, layers_of, shares_of, sizes_of_shape
from core.training.planning.orientation import Orientation, differences, orientation_of

VERSION = 3  # raised when what is measured changes
SAMPLED = 120  # photos read
SAMPLED_PIXELS = 60_000_000  # of all of them: fewer where they are large
LEAST = 4
DETAIL_MASKS = 24  # of these, masks that are resized to every size
THUMBNAIL = 64  # pixels; photos are read at this size
MEASURED_SIDE = 1600  # pixels; of larger masks a part of this size shows what a resize costs
TIMED = 2  # of these, photos that are decoded in full
USUAL: Size = (256, 192)  # of the presets with a size of their own


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """`training` and `validation` photos there are, and how many were read.

    `height` and `width` are those of the middle photo, in pixels, and `longest` the longest side of all.
    `shares` are of each class among known pixels, in 0..1, and `empty` that of photos without
    any foreground. Of the connected components: how many a photo has, the area of the middle one as a share
    of its photo, and how thick foreground is, in pixels of the photo. `kept` maps a size, as "256x192", to
    the Dice that the masks themselves keep at it (mean over images).
    """

    training: int
    validation: int
    sampled: int
    height: int
    width: int
    longest: int
    kind: str
    classes: tuple[str, ...]
    shares: tuple[float, ...]
    empty: float = 0.0
    components: float = 1.0
    component_share: float = 0.0
    thickness: float = 0.0
    kept: dict[str, float] = field(default_factory=dict)
    flips: str = "horizontal"
    flips_evidence: str = ""
    decoding: float = 0.0
    thumbnail: float = 0.0

    @property
    def foreground(self) -> float:
        """The share of the foreground: of all classes but the most common where there are several."""
        return sum(self.shares) - max(self.shares) if self.kind == "multiclass" else sum(self.shares)

    def kept_at(self, height: int, width: int) -> float:
        """The Dice that masks keep at a size, from the nearest sizes that were measured."""
        if f"{height}x{width}" in self.kept:
            return self.kept[f"{height}x{width}"]
        known = sorted((_area(name), dice) for name, dice in self.kept.items())
        if not known:
            return 1.0
        sides, dice = np.sqrt([area for area, _ in known]), [value for _, value in known]
        return float(np.interp(np.sqrt(height * width), sides, dice))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Measured:
    size: Size
    shares: NDArray[np.float64]
    components: int
    areas: list[float]
    thickness: float
    differences: NDArray[np.float64]
    kept: dict[str, float | None]
    thumbnail: float


@needs("train")
def fingerprint_of(data: DataFolder) -> Fingerprint:
    """Measured in a few seconds on a sample of the training photos, and kept until a file changes.

    Validation photos are counted, never read. Raises UserError where no training photo can be used.
    """
    pairs = data.pairs_of("train")
    if not pairs:
        raise UserError(f"{data.name} has no training photos: see the splits on the Data page.")
    kept = workspace.cache() / "fingerprints" / f"{_key(data, pairs)}.json"
    if kept.is_file():
        with contextlib.suppress(UserError, TypeError, KeyError):  # damaged: measured again
            return _from_dict(read_json(kept))
    found = _measure(data, pairs)
    with contextlib.suppress(OSError, UserError):  # a cache that cannot be written costs time alone
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_json(kept, found.to_dict())
    return found


def _measure(data: DataFolder, pairs: Sequence[Pair]) -> Fingerprint:
    sizes = [size for size in map(_size, _spread(pairs, SAMPLED)) if size]
    if not sizes:
        raise UserError(f"No training photo of {data.name} can be used: see the Data page's findings.")
    height, width = (round(float(side)) for side in _middle(sizes))
    most = max(LEAST, min(SAMPLED, SAMPLED_PIXELS // max(1, height * width)))
    chosen = _spread(pairs, most)
    wanted = [*sizes_of_shape(height, width), USUAL]
    detailed = {pair.name for pair in _spread(chosen, DETAIL_MASKS)}

    def measure(pair: Pair) -> _Measured | None:
        try:
            return _measure_one(pair, data.encoding, wanted if pair.name in detailed else [])
        except UserError:
            return None  # the training names it

    with all_cores() as pool:
        # One after the other where each takes half a gigabyte.
        each = map if height * width > LARGE else pool.map
        found = [one for one in each(measure, chosen) if one]
    if not found:
        raise UserError(f"No training photo of {data.name} can be used: see the Data page's findings.")
    task = data.encoding.task
    orientation = orientation_of([one.differences for one in found], task.classes)
    decoding = [seconds for pair in _spread(chosen, TIMED) if (seconds := _decoding(pair, data.encoding))]
    whole = Fingerprint(
        len(pairs), len(data.pairs_of("validation")), len(found), height, width, max(map(max, sizes)),
        task.kind, task.classes, tuple(np.mean([one.shares for one in found], axis=0).round(6).tolist()),
        kept=_kept(found, wanted), decoding=_mean(decoding),
        thumbnail=_mean([one.thumbnail for one in found]),
    )  # fmt: skip
    return replace(whole, **_components(found, task), **_flips(orientation))


def _measure_one(pair: Pair, encoding: MaskEncoding, sizes: Sequence[Size]) -> _Measured:
    start = time.thread_time()
    photo, labels = read_pair(pair, encoding, max_side=THUMBNAIL)
    thumbnail = time.thread_time() - start
    size, task = photo_size(pair.image), encoding.task
    labels = encoding.resize(labels, size)
    inside = _foreground(labels, task)
    count, _, stats, _ = cv2.connectedComponentsWithStats(inside, connectivity=8)
    areas = (stats[1:, cv2.CC_STAT_AREA] / inside.size).tolist()
    place = _part(inside)
    part, marked = labels[place], inside[place]
    # The mean distance to the edge of a band is a quarter of its width.
    depth = cv2.distanceTransform(np.pad(marked, 1), cv2.DIST_L2, 3)[1:-1, 1:-1][marked > 0]
    thickness = 4 * float(depth.mean()) if depth.size else float("nan")
    kept = {_name(to): kept_dice(part, _share(to, part.shape, size), encoding) for to in sizes}
    layers = layers_of(encoding.resize(labels, _shrunk(size)), task)
    return _Measured(
        size,
        shares_of(labels, task),
        count - 1,
        areas,
        thickness,
        differences(photo, layers),
        kept,
        thumbnail,
    )


def _decoding(pair: Pair, encoding: MaskEncoding) -> float:
    """Seconds of one core; 0 where the pair cannot be read."""
    start = time.thread_time()
    try:
        read_pair(pair, encoding)
    except UserError:
        return 0.0
    return time.thread_time() - start


def _foreground(labels: NDArray[np.uint8], task: Task) -> NDArray[np.uint8]:
    """Where there is anything but the first class of several, uint8 (h, w) of 0 and 1."""
    some = labels > 0
    if task.has_void:
        some &= labels != IGNORE
    return some.astype(np.uint8)


def _part(inside: NDArray[np.uint8]) -> tuple[slice, slice]:
    """Where to look at the detail of a large mask: around the middle one of its foreground's pixels. A mask
    that was shrunk first would seem to lose nothing on the way to that size."""
    height, width = inside.shape
    if max(height, width) <= MEASURED_SIDE:
        return slice(None), slice(None)
    cells = cv2.resize(inside * np.float32(1), (32, 32), interpolation=cv2.INTER_AREA).ravel().cumsum()
    row, column = divmod(int(np.searchsorted(cells, cells[-1] / 2)), 32)
    top, left = (
        min(max(0, (2 * cell + 1) * side // 64 - MEASURED_SIDE // 2), max(0, side - MEASURED_SIDE))
        for cell, side in ((row, height), (column, width))
    )
    return slice(top, top + MEASURED_SIDE), slice(left, left + MEASURED_SIDE)


def _share(to: Size, part: tuple[int, ...], whole: Size) -> Size:
    """The size that a part of a photo has where the whole of it has another one."""
    height, width = (max(1, round(side * new / old)) for side, new, old in zip(part, to, whole, strict=True))
    return height, width


def _shrunk(size: Size) -> Size:
    scale = min(1.0, MEASURED_SIDE / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 5) if values else 0.0


def _components(found: Sequence[_Measured], task: Task) -> dict[str, Any]:
    filled = [one for one in found if one.components]
    areas = [area for one in filled for area in one.areas]
    return {
        "empty": round(1 - len(filled) / len(found), 4),
        "components": float(np.median([one.components for one in filled])) if filled else 0.0,
        "component_share": round(float(np.median(areas)), 6) if areas else 0.0,
        "thickness": round(float(np.median([one.thickness for one in filled])), 1) if filled else 0.0,
    }


def _flips(orientation: Orientation) -> dict[str, Any]:
    return {"flips": orientation.flips, "flips_evidence": orientation.evidence}


def _kept(found: Sequence[_Measured], sizes: Sequence[Size]) -> dict[str, float]:
    kept = {}
    for size in sizes:
        scores = [score for one in found if (score := one.kept.get(_name(size))) is not None]
        if scores:
            kept[_name(size)] = round(float(np.mean(scores)), 4)
    return kept


def _spread(pairs: Sequence[Pair], most: int) -> Sequence[Pair]:
    """At most this many of them, evenly over the list."""
    if len(pairs) <= most:
        return pairs
    return [pairs[index] for index in np.linspace(0, len(pairs) - 1, most).astype(int)]


def _middle(sizes: Sequence[Size]) -> tuple[float, float]:
    """The size of the middle area and the middle shape."""
    areas, shapes = [h * w for h, w in sizes], [h / w for h, w in sizes]
    area, shape = float(np.median(areas)), float(np.median(shapes))
    return max(1.0, (area * shape) ** 0.5), max(1.0, (area / shape) ** 0.5)


def _size(pair: Pair) -> Size | None:
    try:
        return photo_size(pair.image)
    except UserError:
        return None


def _name(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


def _area(name: str) -> int:
    height, width = name.split("x")
    return int(height) * int(width)


def _from_dict(kept: dict[str, Any]) -> Fingerprint:
    return Fingerprint(**{**kept, "classes": tuple(kept["classes"]), "shares": tuple(kept["shares"])})


def _key(data: DataFolder, pairs: Sequence[Pair]) -> str:
    """Changes whenever a file, the meaning of the masks or the split does."""
    about = (VERSION, data.encoding.to_dict(), len(data.pairs_of("validation")))
    digest = hashlib.sha256(repr(about).encode())
    for pair in pairs:
        digest.update(b"inverted\n" if pair.inverted else b"\n")
        for path in pair.files:
            with contextlib.suppress(OSError):
                stat = path.stat()
                digest.update(
                    f"{path}\0{stat.st_size} {stat.st_mtime_ns}\n".encode("utf-8", "surrogateescape")
                )
    return digest.hexdigest()[:32]
