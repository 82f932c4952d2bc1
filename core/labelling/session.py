"""A labelling session on a data set of the workspace: its classes, its photos, and how far each is."""

import functools
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from core.data import library, painting
from core.data.dataset import DATASET_FILE, read_about
from core.data.masks import mask_values
from core.data.painting import Waiting
from core.data.pairing import Problem
from core.data.photos import photo_size
from core.errors import UserError
from core.imaging.rendering import encode
from core.labelling import history
from core.labelling.history import Kind, State
from core.labelling.scheme import Scheme, changed, new_scheme, read_scheme, write_scheme
from core.labelling.storage import Proposal, Storage
from core.policy.folders import require_folder
from core.policy.permissions import needs
from core.system.workspace import cannot_write


class Status(StrEnum):
    """How far a photo is. PROPOSED: it has a mask that nobody has accepted yet. ACCEPTED: its mask, which
    may be empty, is in the data set."""

    UNLABELLED = "unlabelled"
    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class PhotoState:
    """One photo of a session. `source`: where its proposal is from, "" where there is none. `is_touched`:
    somebody has drawn on it. `is_changed`: since it was accepted, too."""

    name: str
    status: Status
    revision: int = 0
    source: str = ""
    uncertainty: float = 0.0
    is_touched: bool = False
    is_changed: bool = False


class LabelSession:
    """What is known of a session, shared by all tabs; `open_session` returns the one of a data set.

    The files are what counts. What is kept in memory is read again when they change.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.storage = Storage(folder)
        self.scheme: Scheme = read_scheme(folder, self.storage.session_file)
        self._lock = threading.Lock()
        self._turns: dict[str, tuple[threading.RLock, FileLock]] = {}
        self._states: dict[str, tuple[tuple[int, int], State]] = {}
        self._proposals: dict[str, Proposal | None] = {}
        self._listed: tuple[tuple[int, ...], dict[str, Waiting]] | None = None

    @contextmanager
    def turn(self, name: str) -> Iterator[None]:
        """A photo is changed within this: by one tab at a time, of all servers on this workspace.

        Raises NotWrittenError where the disk takes no lock.
        """
        with self._lock:
            if name not in self._turns:
                self._turns[name] = threading.RLock(), self.storage.lock(name)
            within, between = self._turns[name]
        with within:
            try:
                between.acquire()
            except OSError as error:
                raise cannot_write(Path(between.lock_file), error) from error
            try:
                yield
            finally:
                between.release()

    def photos(self) -> Mapping[str, Waiting]:
        """The photos by file name, in the order of names."""
        try:
            key = tuple((self.folder / part).stat().st_mtime_ns for part in ("images", "masks"))
        except OSError:
            return {}
        listed = self._listed
        if listed is None or listed[0] != key:
            found = {waiting.name: waiting for waiting in painting.photos_of(self.folder)}
            listed = self._listed = (key, found)
        return listed[1]

    def list_again(self) -> None:
        """Two changes within a tick of the disk's clock have one time."""
        self._listed = None

    def photo(self, name: str) -> Waiting:
        """Raises UserError where there is no photo of this name."""
        waiting = self.photos().get(name)
        if waiting is None:
            raise UserError(f"{name or 'The photo'} is not there any more: choose another.")
        return waiting

    def state(self, name: str) -> State:
        """What was done on a photo."""
        path = self.storage.history_file(name)
        try:
            stat = path.stat()
        except OSError:
            return State()
        key = stat.st_size, stat.st_mtime_ns
        kept = self._states.get(name)
        if kept is None or kept[0] != key:
            kept = self._states[name] = key, history.folded(self.storage.events(name))
        return kept[1]

    def known_state(self, name: str) -> State:
        """The same, for lists of photos: one whose history is damaged is as one without."""
        try:
            return self.state(name)
        except UserError:
            return State()

    def status(self, name: str) -> PhotoState:
        """How far a photo is; one whose history is damaged as if nothing had been drawn on it."""
        waiting, state = self.photo(name), self.known_state(name)
        proposal = self.proposal(name)
        if waiting.is_done:
            status = Status.ACCEPTED
        elif state.decision and state.decision.kind is Kind.SKIP:
            status = Status.SKIPPED
        elif state.can_undo or proposal:
            status = Status.PROPOSED
        else:
            status = Status.UNLABELLED
        return PhotoState(
            name, status, state.revision, proposal.source if proposal else "",
            proposal.uncertainty if proposal else 0.0, state.can_undo,
            status is Status.ACCEPTED and state.is_changed,
        )  # fmt: skip

    def statuses(self) -> list[PhotoState]:
        """Of all photos, in the order of their names."""
        return [self.status(name) for name in self.photos()]

    def proposal(self, name: str) -> Proposal | None:
        """Where the proposal of a photo is from; None where there is none."""
        if name not in self._proposals:
            self._proposals[name] = self.storage.proposal(name)
        return self._proposals[name]

    def know_proposal(self, name: str, proposal: Proposal | None) -> None:
        self._proposals[name] = proposal

    def version(self, name: str) -> str:
        """Changes when the mask that is shown does."""
        state = self.state(name)
        if state.done:
            return f"{state.revision}"
        waiting = self.photo(name)
        return f"{state.revision} {waiting.is_done} {self.storage.proposed_at(name)}"

    def shown_mask(self, name: str) -> NDArray[np.uint8]:
        """The mask that is shown: what was drawn last, else the data set's, else the proposal, else an empty
        one. Ids, uint8 (height, width) of the photo."""
        shown = self.state(name).shown
        return self.storage.draft(name, shown) if shown is not None else self.first_mask(name)

    def shown_png(self, name: str) -> bytes:
        """The same as a grey PNG of ids."""
        shown = self.state(name).shown
        return self.storage.draft_file(name, shown) if shown is not None else encode(self.first_mask(name))

    def first_mask(self, name: str) -> NDArray[np.uint8]:
        """The mask that a photo has before anything is drawn on it."""
        waiting = self.photo(name)
        size = photo_size(waiting.photo)
        if waiting.is_done:
            return self._saved(waiting, size)
        if self.proposal(name):
            ids = self.storage.proposed(name)
            if ids.shape == size:
                return ids
        return np.zeros(size, np.uint8)

    def _saved(self, waiting: Waiting, size: tuple[int, int]) -> NDArray[np.uint8]:
        encoding = self.scheme.encoding
        labels = encoding.labels(mask_values(waiting.mask, waiting.photo, palette=encoding.palette))
        return self.scheme.ids(encoding.resize(labels, size))


@functools.lru_cache(maxsize=32)
def _session(folder: Path, _made: int) -> LabelSession:
    return LabelSession(folder)


_opening = threading.Lock()


def open_session(folder: Path) -> LabelSession:
    """The session of a data set, the same one for every tab.

    Raises UserError, with what to do instead, where its masks cannot be labelled here.
    """
    require_folder(folder)
    if not library.is_owned(folder):
        raise UserError("Import this data set first: masks are labelled in the app's own copy of it.")
    images = folder / "images"
    with _opening:
        session = _session(folder.resolve(), images.stat().st_ino) if images.is_dir() else None
        if session is None or not session.photos():
            raise UserError("Masks can be labelled where photos lie in images/ and their masks in masks/.")
        session.scheme = read_scheme(session.folder, session.storage.session_file)
    return session


def require_readable(session: LabelSession, name: str) -> None:
    """Raises UserError where the mask of this photo is read inverted, which a session cannot write."""
    path = session.folder / DATASET_FILE
    if path.is_file() and name in read_about(session.folder).get("inverted", ()):
        raise UserError(f"The mask of {name} is inverted: undo that on the Data page under Findings first.")


@needs("add")
def start(
    name: str, photos: Iterable[tuple[str, bytes]], classes: Sequence[str]
) -> tuple[LabelSession, list[Problem]]:
    """A session on a new data set of these photos, as (file name, content), and those that cannot be read.

    Raises UserError when the name is taken, a class has no proper name, or none of the files is a photo.
    """
    scheme = new_scheme(classes)
    folder, problems = painting.start(name, photos)
    write_scheme(scheme, folder, Storage(folder).session_file)
    return open_session(folder), problems


@needs("change")
def set_classes(session: LabelSession, names: Sequence[str], colours: Sequence[str]) -> None:
    """Rename and recolour the classes, and add further ones at the end. Raises UserError where that cannot
    be."""
    scheme = changed(session.scheme, names, colours)
    write_scheme(scheme, session.folder, session.storage.session_file)
    session.scheme = scheme
