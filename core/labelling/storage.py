"""Where a labelling session keeps its files: in `labelling/` of its data set, beside images/ and masks/.

session.json         names and colours of the classes
history/NAME.jsonl   what was done on a photo, a line each, see `core.labelling.history`
drafts/NAME/N.png    the mask after line N, ids in a grey PNG, never changed once it is there
proposals/NAME.png   a mask that nobody has accepted, and NAME.json, where it is from
locks/               empty files, held while a photo is changed
originals/           masks of the data set as they were before the session replaced them

Only masks/ trains: nothing of this is in it before it is accepted.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from PIL import Image

from core.data.photos import reading
from core.errors import UserError, system_said
from core.imaging.rendering import encode
from core.labelling import history
from core.labelling.history import Event
from core.labelling.scheme import SESSION_FILE
from core.system.file_names import short_stem
from core.system.workspace import make_folder, read_json, write_atomically, write_json

FOLDER = "labelling"


@dataclass(frozen=True, slots=True)
class Proposal:
    """Where a proposed mask is from, such as "your strokes" or a model's name, and how uncertain it is: the
    mean over the pixels, 0 to 1."""

    source: str
    uncertainty: float = 0.0


@dataclass(frozen=True, slots=True)
class Storage:
    """The files of one session. `folder` is the data set's."""

    folder: Path

    @property
    def place(self) -> Path:
        return self.folder / FOLDER

    @property
    def session_file(self) -> Path:
        return self.place / SESSION_FILE

    def history_file(self, name: str) -> Path:
        return self.place / "history" / f"{short_stem(name)}.jsonl"

    def lock(self, name: str) -> FileLock:
        """Held by whoever changes what is kept of the photo. Raises NotWrittenError if it has no place."""
        path = self.place / "locks" / f"{short_stem(name)}.lock"
        make_folder(path.parent)
        return FileLock(path, thread_local=False)

    def events(self, name: str) -> list[Event]:
        """What was done on the photo of this file name. Raises UserError if it cannot be read."""
        return history.read(self.history_file(name))

    def write_draft(self, name: str, revision: int, ids: NDArray[np.uint8]) -> None:
        """Keep the mask of a revision. Raises UserError if it cannot be written."""
        path = self._draft(name, revision)
        make_folder(path.parent)
        write_atomically(path, encode(ids))

    def draft(self, name: str, revision: int) -> NDArray[np.uint8]:
        """The mask of a revision: ids, uint8 (height, width)."""
        return _ids_in(self._draft(name, revision), name)

    def draft_file(self, name: str, revision: int) -> bytes:
        """The same as it is in its file."""
        try:
            return self._draft(name, revision).read_bytes()
        except OSError as error:
            raise UserError(f"The kept mask of {name} cannot be read: {system_said(error)}.") from error

    def write_proposal(self, name: str, ids: NDArray[np.uint8], proposal: Proposal) -> None:
        path = self._proposal(name)
        make_folder(path.parent)
        write_atomically(path, encode(ids))
        write_json(path.with_name(f"{path.name[: -len('.png')]}.json"), asdict(proposal))

    def proposal(self, name: str) -> Proposal | None:
        """Where the proposal of a photo is from; None where there is none."""
        path = self._proposal(name)
        if not path.is_file():
            return None
        try:
            kept = read_json(path.with_name(f"{path.name[: -len('.png')]}.json"))
            return Proposal(str(kept["source"]), float(kept.get("uncertainty", 0.0)))
        except (UserError, KeyError, TypeError, ValueError):  # its writer was killed between the two
            return Proposal("a model")

    def proposed_at(self, name: str) -> int:
        """When the proposal of a photo was written, 0 where there is none."""
        try:
            return self._proposal(name).stat().st_mtime_ns
        except OSError:
            return 0

    def proposed(self, name: str) -> NDArray[np.uint8]:
        """The proposed mask of a photo: ids, uint8 (height, width)."""
        return _ids_in(self._proposal(name), name)

    def keep_original(self, mask: Path) -> None:
        """Copy a mask of the data set before the session replaces it for the first time."""
        kept = self.place / "originals" / mask.name
        if not kept.exists():
            make_folder(kept.parent)
            write_atomically(kept, mask.read_bytes())

    def original(self, stem: str) -> Path | None:
        """The copy of a photo's mask from before the session."""
        place = self.place / "originals"
        found = place.iterdir() if place.is_dir() else ()
        return next((path for path in found if path.stem == stem), None)

    def _draft(self, name: str, revision: int) -> Path:
        return self.place / "drafts" / short_stem(name) / f"{revision:06d}.png"

    def _proposal(self, name: str) -> Path:
        return self.place / "proposals" / f"{short_stem(name)}.png"


def _ids_in(path: Path, name: str) -> NDArray[np.uint8]:
    with reading(f"The kept mask of {name}"), Image.open(path, formats=["PNG"]) as picture:
        return np.array(picture.convert("L"))
