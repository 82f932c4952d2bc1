"""The mask that clicks, strokes and a box on a photo ask for."""

import functools
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from core.data import painting
from core.errors import UserError
from core.imaging.guided_filter import enlarge
from core.imaging.rendering import display_size
from core.labelling.acting import Answerer, Asked
from core.labelling.clicks import segment_by_clicks, shipped_model
from core.labelling.features import FeatureCache, PhotoFeatures
from core.labelling.prompts import BACKGROUND, Box, Click, Prompt, Stroke, as_stroke, draw
from core.labelling.regions import EncodedRegions, Region
from core.labelling.scribbles import Example, fit
from core.labelling.session import LabelSession
from core.policy.permissions import needs

if TYPE_CHECKING:
    from core.labelling.click_model import ClickNet

Ids = NDArray[np.uint8]
Probability = NDArray[np.float32]
WORKING_SIDE = 1280  # pixels of the longer side of what is segmented; the mask is enlarged to the photo
BOX_SIDE = 256  # pixels at which GrabCut works, for an answer within a third of a second
KEPT_PHOTOS = 6
CLICK_RADIUS = 0.004  # of the longer side: what a click says for certain
INSIDE = 12  # points of the mask that stays which tell it apart from what is taken away

_features = FeatureCache()
_regions: OrderedDict[tuple[Path, int], EncodedRegions] = OrderedDict()
_reading = threading.Lock()
_turns: dict[tuple[Path, int], threading.Lock] = {}


class _Photos:
    """The photos that were worked on last, at WORKING_SIDE. Thread-safe."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Path, int], NDArray[np.uint8]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, session: LabelSession, name: str) -> NDArray[np.uint8]:
        waiting = session.photo(name)
        key = file_key(waiting.photo)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        photo = painting.photo_to_paint(waiting, WORKING_SIDE)
        with self._lock:
            self._kept[key] = photo
            while len(self._kept) > KEPT_PHOTOS:
                self._kept.popitem(last=False)
        return photo


_photos = _Photos()


class Answering:
    """How many answers are being made now, for which work in the background waits."""

    def __init__(self) -> None:
        self._count, self._free = 0, threading.Condition()

    def __enter__(self) -> None:
        with self._free:
            self._count += 1

    def __exit__(self, *_: object) -> None:
        with self._free:
            self._count -= 1
            self._free.notify_all()

    def wait(self) -> None:
        """Until no answer is being made."""
        with self._free:
            self._free.wait_for(lambda: not self._count, timeout=10)


_answering = Answering()


def wait_for_answers() -> None:
    """For work in the background: let somebody who waits for a mask go first."""
    _answering.wait()


def file_key(path: Path) -> tuple[Path, int]:
    """Names a file's content while it is not replaced."""
    return path, path.stat().st_mtime_ns


def features_of(session: LabelSession, name: str) -> PhotoFeatures:
    """The features of a photo of the session, kept for the next question."""
    key = file_key(session.photo(name).photo)
    with _reading:
        turn = _turns.setdefault(key, threading.Lock())
    with turn:  # two who want the same photo encode it once
        found = _features.of(key, lambda: working_photo(session, name))
    with _reading:
        _turns.pop(key, None)
    return found


def regions_of(session: LabelSession, name: str) -> EncodedRegions:
    """The regions of a photo of the session that clicks have looked at, kept for the next click."""
    key = file_key(session.photo(name).photo)
    with _reading:
        kept = _regions.pop(key, None) or EncodedRegions()
        _regions[key] = kept
        while len(_regions) > KEPT_PHOTOS:
            _regions.popitem(last=False)
    return kept


def make_ready(session: LabelSession, name: str) -> None:
    """Encode a photo before the first click on it."""
    model = click_model()
    features_of(session, name)
    if model is not None:
        photo = working_photo(session, name)
        whole = Region(0, 0, photo.shape[0], photo.shape[1])
        regions_of(session, name).look_at(photo, whole, whole, model)


def working_photo(session: LabelSession, name: str) -> NDArray[np.uint8]:
    """A photo of the session as it is segmented: RGB uint8 (h, w, 3), at most WORKING_SIDE long."""
    return _photos.of(session, name)


@needs("change")
def answer_in(session: LabelSession) -> Answerer:
    """Makes masks for this session's photos."""
    return functools.partial(_answer, session)


def _answer(session: LabelSession, asked: Asked) -> Ids:
    """The mask when the object was begun, with the object put in, and taken out where it is not."""
    with _answering:
        return _answered(session, asked)


def _answered(session: LabelSession, asked: Asked) -> Ids:
    photo = working_photo(session, asked.name)
    features = features_of(session, asked.name)
    size = asked.ids.shape[0], asked.ids.shape[1]
    scale = photo.shape[1] / size[1]
    prompts = [_scaled(prompt, scale) for prompt in asked.prompts]
    not_it = [_opposite(_scaled(prompt, scale)) for prompt in asked.others]
    ids = asked.before.copy()
    was = asked.before == asked.label
    model = click_model()
    if model is not None and all(isinstance(prompt, Click) for prompt in prompts):
        regions = regions_of(session, asked.name)
        return _as_marked(_clicked(asked, photo, features, regions, prompts, not_it, scale, model), asked)
    if any(_adds(prompt) for prompt in prompts):
        found = _enlarged(_segmented(photo, features, [*not_it, *prompts]), size)
        ids[found] = asked.label
    else:
        prompts += _points_that_stay(was, prompts, scale)
    if was.any() and not all(_adds(prompt) for prompt in prompts):
        wrong = _enlarged(_segmented(photo, features, [_opposite(prompt) for prompt in prompts]), size)
        ids[wrong & was] = BACKGROUND
    return _as_marked(ids, asked)


def _clicked(
    asked: Asked, photo: NDArray[np.uint8], features: PhotoFeatures, regions: EncodedRegions,
    prompts: list[Prompt], not_it: list[Prompt], scale: float, model: "ClickNet",
) -> Ids:  # fmt: skip
    """By the click model: a new object beside those before, or else what the class covers, corrected."""
    ids, was = asked.before.copy(), asked.before == asked.label
    previous = asked.ids == asked.label
    if asked.is_new:
        previous &= ~was
    else:
        ids[was] = BACKGROUND
    if not any(_adds(prompt) for prompt in prompts):
        prompts = [*_points_that_stay(was, prompts, scale)[:2], *prompts]
    clicks = [prompt for prompt in (*not_it, *prompts) if isinstance(prompt, Click)]
    small = _shrunk(previous, (photo.shape[0], photo.shape[1])) if previous.any() else None
    found = segment_by_clicks(photo, clicks, small, model, features, regions)
    ids[_enlarged(found, (ids.shape[0], ids.shape[1]))] = asked.label
    return ids


@functools.cache
def click_model() -> "ClickNet | None":
    """The click model that ships, None where it does not."""
    try:
        return shipped_model()
    except UserError:
        return None


def _shrunk(mask: NDArray[np.bool_], size: tuple[int, int]) -> Probability:
    full = mask.astype(np.float32)
    return np.asarray(cv2.resize(full, (size[1], size[0]), interpolation=cv2.INTER_AREA), np.float32)


def _segmented(photo: NDArray[np.uint8], features: PhotoFeatures, prompts: Sequence[Prompt]) -> Probability:
    """The probability of the object that is marked, float32, of the photo's size."""
    clicks = [prompt for prompt in prompts if isinstance(prompt, Click)]
    boxes = [prompt for prompt in prompts if isinstance(prompt, Box)]
    if len(clicks) == len(prompts):
        return segment_by_clicks(photo, clicks, features=features)
    if boxes:
        return _in_box(photo, features, boxes[-1], [p for p in prompts if not isinstance(p, Box)])
    return _by_strokes(photo, features, prompts)


def _by_strokes(photo: NDArray[np.uint8], features: PhotoFeatures, prompts: Sequence[Prompt]) -> Probability:
    radius = CLICK_RADIUS * max(photo.shape)
    marked = (as_stroke(p, radius) if isinstance(p, Click) else p for p in prompts)
    strokes = tuple(
        Stroke(s.points, s.radius, int(s.label != BACKGROUND)) for s in marked if isinstance(s, Stroke)
    )
    if not any(stroke.label for stroke in strokes):
        return np.zeros(photo.shape[:2], np.float32)
    found: Probability = fit([Example(features, strokes)], classes=2).propose(features, photo)[1]
    return found


def _in_box(
    photo: NDArray[np.uint8], features: PhotoFeatures, box: Box, others: Sequence[Prompt]
) -> Probability:
    """What stands out in the box, by GrabCut; the classifier corrects it within the box once there are
    clicks or strokes too."""
    small = display_size(photo, BOX_SIDE)
    scale = small.shape[1] / photo.shape[1]
    left, top, right, bottom = (round(v * scale) for v in (box.left, box.top, box.right, box.bottom))
    found = enlarge(painting.grabcut(small, (left, top, right, bottom)).astype(np.float32), photo, fine=False)
    if others and any(_adds(prompt) for prompt in others):
        inside = np.zeros_like(found)
        inside[max(0, round(box.top)) : round(box.bottom), max(0, round(box.left)) : round(box.right)] = 1
        found = np.asarray((found + _by_strokes(photo, features, others)) / 2 * inside, np.float32)
    return found


def _points_that_stay(was: NDArray[np.bool_], prompts: Sequence[Prompt], scale: float) -> list[Prompt]:
    """Clicks in the middle of the mask away from where it is taken away, so that only the part that was
    clicked goes."""
    small = cv2.resize(was.astype(np.uint8), None, fx=scale / 4, fy=scale / 4, interpolation=cv2.INTER_AREA)
    radius = max(2.0, 0.06 * max(small.shape))
    removed = [prompt for prompt in prompts if isinstance(prompt, Click | Stroke)]
    strokes = [as_stroke(p, 1.0) if isinstance(p, Click) else p for p in removed]
    wide = [Stroke(s.points, s.radius + 4 * radius, 1) for s in strokes]
    near = draw(wide, (small.shape[0], small.shape[1]), 0.25) >= 0
    free = np.argwhere((small > 0) & ~near)
    if not len(free):
        return []
    chosen = free[np.random.default_rng(0).permutation(len(free))[:INSIDE]]
    return [Click(4 * float(x) + 2, 4 * float(y) + 2) for y, x in chosen]


def _adds(prompt: Prompt) -> bool:
    if isinstance(prompt, Click):
        return prompt.positive
    return prompt.label != BACKGROUND


def _opposite(prompt: Prompt) -> Prompt:
    """The same place, marked as what it is not."""
    if isinstance(prompt, Click):
        return Click(prompt.x, prompt.y, not prompt.positive)
    if isinstance(prompt, Stroke):
        return Stroke(prompt.points, prompt.radius, int(prompt.label == BACKGROUND))
    return Click((prompt.left + prompt.right) / 2, (prompt.top + prompt.bottom) / 2, False)


def _as_marked(ids: Ids, asked: Asked) -> Ids:
    """What is under a click or a stroke is what it says, whatever the network makes of it; under one of
    another class, what it was."""
    others = _marks(asked.others, ids.shape) >= 0
    ids[others] = asked.before[others]
    drawn = _marks(asked.prompts, ids.shape)
    ids[drawn > 0] = drawn[drawn > 0].astype(np.uint8)
    off = (drawn == BACKGROUND) & (ids == asked.label)
    ids[off] = BACKGROUND
    return ids


def _marks(prompts: Sequence[Prompt], size: tuple[int, ...]) -> NDArray[np.int16]:
    """The labels under clicks and strokes on a photo of this size, -1 where there is none."""
    radius = max(1.0, CLICK_RADIUS * max(size))
    strokes = [as_stroke(p, radius) if isinstance(p, Click) else p for p in prompts]
    return draw([s for s in strokes if isinstance(s, Stroke)], (size[0], size[1]))


def _scaled(prompt: Prompt, scale: float) -> Prompt:
    if isinstance(prompt, Click):
        return Click(prompt.x * scale, prompt.y * scale, prompt.positive, prompt.label)
    if isinstance(prompt, Stroke):
        points = tuple((x * scale, y * scale) for x, y in prompt.points)
        return Stroke(points, prompt.radius * scale, prompt.label)
    left, top, right, bottom = (v * scale for v in (prompt.left, prompt.top, prompt.right, prompt.bottom))
    return Box(left, top, right, bottom, prompt.label)


def _enlarged(probability: Probability, size: tuple[int, int]) -> NDArray[np.bool_]:
    if probability.shape != size:
        probability = np.asarray(
            cv2.resize(probability, (size[1], size[0]), interpolation=cv2.INTER_LINEAR), np.float32
        )
    return np.asarray(probability >= 0.5)
