"""One photo, as uploaded and as shown, with what a model said of it."""

import hashlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import streamlit as st

from core.data.photos import photo_cost, photo_size, read_photo
from core.imaging import rendering
from core.imaging.guided_filter import enlarge
from core.imaging.label_resizing import resize_labels
from core.imaging.matting import Background, Finish, alpha_of, compose
from core.inference.test_time_augmentation import Gaze, small_map
from core.models.registry import Entry
from core.policy.policy import current_policy
from core.policy.rate_limit import Quota
from core.system.concurrency import taking_turns
from core.system.logs import log
from core.task import Task
from pages.widgets.loading import predictor_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHOWN_SIDE = 1200  # pixels; larger than any column it is shown in
KEPT_PHOTOS = 3  # of a session, some 13 MB each
KEPT_BYTES = 100_000_000  # of their files
REMEMBERED = 500  # photos that are not counted twice
ONE_FOREGROUND = Task()
ONCE = Gaze()


@dataclass(frozen=True)
class Look:
    """How the subject is cut out: at which threshold, along the photo's edges or not, and finished; and
    how the model looked at the photo."""

    threshold: float
    fine: bool = True
    gaze: Gaze = ONCE
    finish: Finish = field(default_factory=Finish)
    background: Background = field(default_factory=Background)


@dataclass(frozen=True)
class Work:
    """`small` is the foreground's probability at the size at which the network gave it, or `labels` what
    a model found that tells several classes apart, at the size that is shown.

    The pixels at full size are not kept: a phone's photo has fifty megabytes of them.
    """

    name: str
    content: bytes
    size: tuple[int, int]
    photo: "NDArray[np.uint8]"
    small: "NDArray[np.float32] | None"
    labels: "NDArray[np.uint8] | None" = None
    task: Task = ONE_FOREGROUND
    value_range: "tuple[float, float] | None" = None  # of the model
    seconds: float = 0.0  # that the model took to look at it
    hour: Quota = field(default_factory=Quota)
    maps: "dict[bool, NDArray[np.float32]]" = field(default_factory=dict)

    def probability(self, fine: bool) -> "NDArray[np.float32]":
        """At the size that is shown; made once."""
        assert self.small is not None
        if fine not in self.maps:
            self.maps[fine] = enlarge(self.small, self.photo, fine)
        return self.maps[fine]

    def full_size(self, kind: str, look: Look, form: str = "PNG") -> bytes:
        """The "mask", "cutout" or "overlay" at the photo's own size, as a file. Counts like a photo."""
        self.hour.take(current_policy().photos_per_hour, count=photo_cost(self.content, self.name))
        with taking_turns():
            photo = read_photo(self.content, self.name, value_range=self.value_range)
            if self.labels is not None:
                labels = resize_labels(self.labels, (photo.shape[0], photo.shape[1]))
                return rendering.encode(rendering.label_result(kind, photo, labels, self.task), form)
            assert self.small is not None
            return rendering.encode(rendered(photo, enlarge(self.small, photo, look.fine), kind, look), form)


def rendered(
    photo: "NDArray[np.uint8]", probability: "NDArray[np.float32]", kind: str, look: Look
) -> "NDArray[np.uint8]":
    """The "mask" (h, w), the "overlay" (h, w, 3), or the "cutout" on its background."""
    alpha = alpha_of(probability, look.threshold, look.finish)
    if kind == "cutout":
        return compose(photo, alpha, look.finish, look.background)
    return rendering.result(kind, photo, alpha, 0.5)


def this_hour() -> Quota:
    """What this visitor has asked for."""
    quota: Quota = st.session_state.setdefault("quota", Quota())
    return quota


def take(count: int, key: str = "") -> None:
    """Count so many photos of this visitor's hour, those of the same `key` once. Raises UserError when
    the hour's are used up."""
    counted: dict[str, None] = st.session_state.setdefault("counted", {})
    if key in counted:
        return
    this_hour().take(current_policy().photos_per_hour, count=count)
    if key:
        counted[key] = None
        while len(counted) > REMEMBERED:
            counted.pop(next(iter(counted)))


def bytes_of(works: dict[str, Work]) -> int:
    return sum(len(work.content) for work in works.values())


def segmented(chosen: tuple[str, bytes], entry: Entry, gaze: Gaze = ONCE) -> Work:
    """The prediction for a photo, made once per session and model. Raises UserError for bad files."""
    name, content = chosen
    key = f"{hashlib.sha256(content).hexdigest()}|{entry.key}|{gaze}"
    kept: dict[str, Work] = st.session_state.setdefault("works", {})
    if key not in kept:
        take(photo_cost(content, name), key)
        photo = read_photo(content, name, SHOWN_SIDE, entry.card.value_range)
        predictor = predictor_of(entry)
        task = entry.card.task
        started = time.perf_counter()
        with st.spinner("Looking for the subject …"):
            if task.kind == "binary":
                small, labels = small_map(predictor, photo, gaze), None
            else:
                small, labels = None, predictor.labels(photo)
        seconds = time.perf_counter() - started
        while len(kept) >= KEPT_PHOTOS or (kept and bytes_of(kept) + len(content) > KEPT_BYTES):
            kept.pop(next(iter(kept)))
        log("photo segmented", seconds=round(seconds, 3), pixels=photo.shape[0] * photo.shape[1])
        size, hour, values = photo_size(content, name), this_hour(), entry.card.value_range
        kept[key] = Work(name, content, size, photo, small, labels, task, values, seconds, hour)
    return kept[key]
