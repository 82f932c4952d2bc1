"""One photo, as uploaded and as shown, with its prediction."""

import hashlib
import threading
import time
from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core.cutout_settings import CutOutSettings
from core.data.photos import photo_size, read_photo
from core.imaging import rendering
from core.inference.price import photo_price
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

    from core.inference.cutout import CutOut

SHOWN_SIDE = 1200  # pixels; larger than any column it is shown in
KEPT_PHOTOS = 3  # of a session, some 13 MB each
KEPT_BYTES = 100_000_000  # of their files
KEPT_MAPS = 3  # of a photo, some 5 MB each
WAIT_SECONDS = 20.0  # for a click on a download to arrive
REMEMBERED = 500  # photos that are not counted twice
ONE_FOREGROUND = Task()


@dataclass(frozen=True)
class Work:
    """A photo with either `small`, the foreground probability at the network's resolution, or the `labels` of
    a multi-class model at the size that is shown.

    The pixels at full size are not kept: a phone's photo takes fifty megabytes.
    """

    name: str
    content: bytes
    size: tuple[int, int]
    photo: "NDArray[np.uint8]"
    small: "NDArray[np.float32] | None"
    labels: "NDArray[np.uint8] | None" = None
    task: Task = ONE_FOREGROUND
    seconds: float = 0.0  # of the prediction
    hour: Quota = field(default_factory=Quota)
    maps: "dict[Hashable, NDArray[np.float32]]" = field(default_factory=dict)
    counted: threading.Semaphore = field(default_factory=partial(threading.Semaphore, 0))  # downloads

    @property
    def scale(self) -> float:
        """The photo's size divided by the size at which it is shown."""
        return float(self.size[0] / self.photo.shape[0])

    def cut_out(self, settings: CutOutSettings) -> "CutOut":
        """The cut-out at the size that is shown, without another prediction."""
        from core.inference.cutout import enlarged, from_probability

        assert self.small is not None
        # Without corrections the threshold does not change the map.
        corrected = (settings.corrections, settings.threshold) if settings.corrections else ()
        key = settings.refine_edges, corrected
        if key not in self.maps:
            while len(self.maps) >= KEPT_MAPS:
                self.maps.pop(next(iter(self.maps)), None)
            self.maps[key] = enlarged(self.photo, self.small, settings)
        return from_probability(self.photo, self.maps[key], settings)

    @property
    def is_limited(self) -> bool:
        """Whether this server counts what its visitors process."""
        return current_policy().photos_per_hour > 0

    def check_quota(self, settings: CutOutSettings, entry: Entry) -> None:
        """Raises UserError if this visitor has not enough of the quota left for `full_size`."""
        cost = photo_price(self.content, self.name, entry.card, settings)
        self.hour.check(current_policy().photos_per_hour, cost)

    def wait_for_download(self) -> None:
        """Until `full_size` has been called and has counted, for each of the clicks on a download."""
        self.counted.acquire(timeout=WAIT_SECONDS)

    def full_size(self, kind: str, settings: CutOutSettings, entry: Entry, form: str = "PNG") -> bytes:
        """The "mask", "cutout" or "overlay" of the photo at its own size, predicted from all its pixels, as
        a file. Counts towards the quota like another photo."""
        from core.inference.cutout import segment

        try:
            cost = photo_price(self.content, self.name, entry.card, settings)
            self.hour.take(current_policy().photos_per_hour, count=cost)
        finally:
            self.counted.release()
        predictor = predictor_of(entry)
        with taking_turns():
            photo = read_photo(self.content, self.name, value_range=entry.card.value_range)
            return rendering.encode(segment(photo, predictor, settings).picture(kind), form)


def this_hour() -> Quota:
    """The quota of this visitor."""
    quota: Quota = st.session_state.setdefault("quota", Quota())
    return quota


def take(count: int, key: str = "") -> None:
    """Count photos towards this visitor's quota, those of the same `key` once. Raises UserError if it is
    used up."""
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


def segmented(chosen: tuple[str, bytes], entry: Entry, settings: CutOutSettings) -> Work:
    """Predict a photo, once for each session, model and settings of the prediction. Raises UserError for an
    unreadable file."""
    from core.inference.shown import predicted

    name, content = chosen
    key = f"{hashlib.sha256(content).hexdigest()}|{entry.key}|{settings.prediction}"
    kept: dict[str, Work] = st.session_state.setdefault("works", {})
    if key not in kept:
        take(photo_price(content, name, entry.card, settings), key)
        # Windows see the photo as it was trained on: at its own size.
        photo = read_photo(content, name, None if entry.card.window else SHOWN_SIDE, entry.card.value_range)
        predictor = predictor_of(entry)
        task = entry.card.task
        started = time.perf_counter()
        with st.spinner("Predicting …"):
            photo, small, labels = predicted(photo, predictor, settings, SHOWN_SIDE)
        seconds = time.perf_counter() - started
        while len(kept) >= KEPT_PHOTOS or (kept and bytes_of(kept) + len(content) > KEPT_BYTES):
            kept.pop(next(iter(kept)))
        log("photo segmented", seconds=round(seconds, 3), pixels=photo.shape[0] * photo.shape[1])
        size, hour = photo_size(content, name), this_hour()
        kept[key] = Work(name, content, size, photo, small, labels, task, seconds, hour)
    return kept[key]
