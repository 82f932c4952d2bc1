"""Proposals for all photos of a session, made in the background: by a classifier of the strokes and accepted
masks so far, or by a model that was trained on them."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import UserError
from core.imaging.label_resizing import resize_labels
from core.labelling.acting import propose
from core.labelling.actions import prompt_of
from core.labelling.active import Candidate, Ranked, next_photos, uncertainty
from core.labelling.answers import CLICK_RADIUS, features_of, make_ready, wait_for_answers, working_photo
from core.labelling.history import PROMPTS
from core.labelling.prompts import BACKGROUND, Click, Stroke, as_stroke
from core.labelling.scribbles import Example, ScribbleClassifier, fit
from core.labelling.session import LabelSession, Status
from core.policy.permissions import OWNER, acting_as, needs
from core.system.logs import log_error
from core.task import IGNORE

STROKES_SOURCE = "your strokes"
POINTS = 24  # of an accepted mask, for each of its classes
MOST_EXAMPLES = 60  # photos that the classifier learns from, the last ones that were worked on
PAUSE = 1.0  # seconds after a stroke, in which another one may follow
Ids = NDArray[np.uint8]
Labels = Callable[[NDArray[np.uint8]], Ids]  # a photo (h, w, 3) to its ids (h, w)


@dataclass
class Work:
    """How far the proposals of a session are. `ranked` are the photos from the most helpful on, with why;
    `problem` says why there are none."""

    done: int = 0
    total: int = 0
    ranked: list[Ranked] = field(default_factory=list)
    problem: str = ""

    @property
    def is_busy(self) -> bool:
        return self.done < self.total


class Proposer:
    """The thread of a session that makes its proposals; it ends when there is nothing to do."""

    def __init__(self, session: LabelSession) -> None:
        self.session, self.work = session, Work()
        self._lock = threading.Lock()
        self._wanted = 0  # how often proposals were asked for
        self._labels: Labels | None = None
        self._source = STROKES_SOURCE
        self._thread: threading.Thread | None = None

    def want(self) -> None:
        """Make new proposals soon."""
        with self._lock:
            self._wanted += 1
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, daemon=True, name="proposals")
                self._thread.start()

    def use(self, labels: Labels | None, source: str) -> None:
        """From now on propose what a model says; None: what the strokes say."""
        self._labels, self._source = labels, source if labels else STROKES_SOURCE
        self.want()

    @property
    def has_model(self) -> bool:
        return self._labels is not None

    def _run(self) -> None:
        with acting_as(OWNER):  # whoever started it was asked
            while True:
                time.sleep(PAUSE)
                wanted = self._wanted
                try:
                    self._propose_all(wanted)
                    self.work.problem = ""
                except (UserError, OSError) as error:
                    self.work = Work(ranked=self.work.ranked, problem=str(error))
                except Exception as error:  # the page must not wait for it for ever
                    self.work = Work(ranked=self.work.ranked, problem="The proposals failed: see the log.")
                    log_error("proposals failed", error)
                with self._lock:
                    if wanted == self._wanted:
                        self._thread = None
                        return

    def _propose_all(self, wanted: int) -> None:
        names = [p.name for p in self.session.statuses() if _is_open(p.status) and not p.is_touched]
        classifier = None if self._labels else _classifier(self.session)
        if self._labels is None and classifier is None:
            return
        self.work = Work(0, len(names), self.work.ranked)
        candidates: list[Candidate] = []
        for name in names:
            if wanted != self._wanted:
                return
            wait_for_answers()
            try:
                doubt = self._propose_one(name, classifier)
                candidates.append(Candidate(name, features_of(self.session, name).pooled(), doubt))
            except UserError:  # the photo is gone or damaged: the others are not
                pass
            self.work.done += 1
        known = [Candidate(name, features_of(self.session, name).pooled()) for name in _worked(self.session)]
        self.work.ranked = next_photos(candidates, known)
        self.work.total = self.work.done

    def _propose_one(self, name: str, classifier: ScribbleClassifier | None) -> float:
        photo = working_photo(self.session, name)
        shares = None if classifier is None else classifier.propose(features_of(self.session, name), photo)
        if shares is not None:
            labels = shares.argmax(axis=0).astype(np.uint8)
            doubt = uncertainty(shares)
        else:
            assert self._labels is not None
            labels, doubt = self._labels(photo), 0.0
        size = self.session.first_mask(name).shape
        propose(self.session, name, resize_labels(labels, (size[0], size[1])), self._source, doubt)
        return doubt


def _is_open(status: Status) -> bool:
    return status in (Status.UNLABELLED, Status.PROPOSED)


def _classifier(session: LabelSession) -> ScribbleClassifier | None:
    """Fitted to what was marked and accepted; None where that is nothing yet."""
    examples = [
        Example(features_of(session, name), strokes)
        for name in _worked(session)
        if (strokes := _strokes_on(session, name))
    ]
    marked = {stroke.label for example in examples for stroke in example.strokes}
    return fit(examples, len(session.scheme.classes) + 1) if marked - {BACKGROUND} else None


def _worked(session: LabelSession) -> list[str]:
    """The photos that somebody has drawn on or accepted, the last ones that were worked on."""
    found = [
        (last.at if (last := session.known_state(name).last) else 0.0, name)
        for name, waiting in session.photos().items()
        if session.known_state(name).done or waiting.is_done
    ]
    return [name for _, name in sorted(found)[-MOST_EXAMPLES:]]


def _strokes_on(session: LabelSession, name: str) -> tuple[Stroke, ...]:
    """What is known of a photo as strokes in the pixels of `working_photo`: points of an accepted mask, then
    what was marked by hand."""
    size = session.first_mask(name).shape
    scale = max(working_photo(session, name).shape[:2]) / max(size)
    found = _points_of(session.shown_mask(name)) if session.photo(name).is_done else []
    for event in session.state(name).done:
        if event.kind in PROMPTS:
            prompt = prompt_of(event.kind, event.data)
            if isinstance(prompt, Click):
                prompt = as_stroke(prompt, max(1.0, CLICK_RADIUS * max(size)))
            if isinstance(prompt, Stroke):
                found.append(prompt)
    return tuple(
        Stroke(tuple((x * scale, y * scale) for x, y in s.points), s.radius * scale, s.label) for s in found
    )


def _points_of(ids: Ids) -> list[Stroke]:
    """Pixels of each class of a mask, the background among them, as small strokes."""
    random = np.random.default_rng(0)
    flat, found = ids.ravel(), list[Stroke]()
    for label in np.unique(flat):
        if label == IGNORE:
            continue
        places = np.flatnonzero(flat == label)
        for place in random.choice(places, min(POINTS, len(places)), replace=False):
            y, x = divmod(int(place), ids.shape[1])
            found.append(Stroke(((x + 0.5, y + 0.5),), 1.0, int(label)))
    return found


_proposers: dict[Path, Proposer] = {}
_making = threading.Lock()


def proposer_of(session: LabelSession) -> Proposer:
    """The one of this session, for all tabs."""
    with _making:
        kept = _proposers.get(session.folder)
        if kept is None or kept.session is not session:
            kept = _proposers[session.folder] = Proposer(session)
        return kept


@needs("change")
def learn(session: LabelSession) -> None:
    """Make proposals of what was drawn and accepted so far, in the background."""
    proposer_of(session).want()


@needs("change")
def use_model(session: LabelSession, labels: Labels | None, source: str) -> None:
    """Propose what a model says, in the background; `labels` gives the ids of a photo."""
    proposer_of(session).use(labels, source)


@needs("change")
def warm(session: LabelSession, name: str) -> None:
    """Read and encode a photo in the background, so that the first click on it is answered at once."""

    def ready() -> None:
        with acting_as(OWNER):
            try:
                make_ready(session, name)
            except (UserError, OSError):
                return  # the page says so

    # No daemon: a process that ends within torch's own code is aborted.
    threading.Thread(target=ready, name="features").start()
