"""The model registry: models that ship in checkpoints/, the best of every run, and imported models."""

import datetime
import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from core.errors import UserError, system_said
from core.models import onnx_files
from core.models.card import (
    ONNX_FILE,
    ONNX_SUFFIX,
    WEIGHTS_FILE,
    ModelCard,
    is_model,
    read_card,
    update_card,
    weights_file,
    weights_megabytes,
)
from core.policy import trash
from core.policy.permissions import needs
from core.policy.trash import Deleted
from core.runs import run_folder
from core.runs.run_folder import Run
from core.runs.status import LIVE
from core.system import workspace
from core.system.formatting import moment
from core.system.score_names import score_first

GENERAL = "subject-lite0"  # the shipped model for photos of which nothing is known
MAX_NAME = 80
MAX_TAGS, MAX_TAG = 12, 30


@dataclass(frozen=True, slots=True)
class Entry:
    """One model. `run` is None for a model that was not trained here; `megabytes` is 10^6 bytes;
    `has_namesake`: another model has the same name."""

    folder: Path
    card: ModelCard
    megabytes: float
    run: Run | None = None
    has_namesake: bool = False

    @property
    def id(self) -> str:
        """The identifier in addresses of the server: the run's, or the folder's name."""
        return self.run.id if self.run else self.folder.name

    @property
    def key(self) -> str:
        """Changes when the weights do: the key under which predictions are cached."""
        return predictions_key(self.folder, self.card)

    @property
    def fingerprint(self) -> str:
        """The key without the folder's path in it: for identifiers that browsers see."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:16]

    @property
    def ships(self) -> bool:
        """Whether it comes with the project; if so it cannot be changed or deleted."""
        return self.folder.parent == workspace.SHIPPED_MODELS

    @property
    def is_rembgs(self) -> bool:
        """Whether it is a file that rembg has downloaded; if so it cannot be changed or deleted here."""
        return self.folder.suffix == ONNX_SUFFIX

    @property
    def label(self) -> str:
        """Name and score in one line; with a namesake also data set, date and short identifier."""
        parts = [self.card.name, score_first(self.card.scores)]
        if self.has_namesake:
            parts += [self.card.data, self.created, f"#{self.short_id}"]
        return " · ".join(part for part in parts if part)

    @property
    def short_id(self) -> str:
        """Four hexadecimal digits of the folder's hash, by which people tell namesakes apart."""
        return hashlib.sha256(str(self.folder).encode()).hexdigest()[:4]

    @property
    def created(self) -> str:
        """Date and time to the minute; what the card says where that is no time, "" if unknown."""
        try:
            return moment(datetime.datetime.fromisoformat(self.card.created))
        except ValueError:
            return self.card.created


def weights_key(folder: Path) -> str:
    """Folder, time and size of a model's weights. Raises UserError when there are none."""
    try:
        stat = weights_file(folder).stat()
    except OSError as error:
        raise UserError(
            f"{folder} holds no model: name a folder with {WEIGHTS_FILE} or {ONNX_FILE}, or an ONNX file."
        ) from error
    return f"{folder.resolve()}|{stat.st_mtime_ns}|{stat.st_size}"


def predictions_key(place: Path, card: ModelCard) -> str:
    """The same with how an ONNX file is used, which decides what it predicts."""
    return weights_key(place) + (f"|{card.onnx}" if card.onnx else "")


def list_models() -> list[Entry]:
    """Shipped models first, the one for any subject before the others, then runs, newest first, then imported
    models by name, then those that rembg has downloaded. What cannot be read is skipped."""
    shipped = [p for p in workspace.SHIPPED_MODELS.glob("*") if is_model(p)]
    shipped.sort(key=lambda folder: (folder.name != GENERAL, folder.name))
    found = [_entry(folder, None) for folder in shipped]
    found += [_entry(run.best, run) for run in run_folder.list_runs() if is_model(run.best)]
    found += [_entry(folder, None) for folder in sorted(workspace.models().iterdir()) if is_model(folder)]
    found += [_entry(file, None) for file in onnx_files.found_of_rembg()]
    entries = [entry for entry in found if entry is not None]
    often = Counter(entry.card.name for entry in entries)
    return [replace(entry, has_namesake=often[entry.card.name] > 1) for entry in entries]


def has_new_scores(entry: Entry) -> bool:
    """Whether the card has other scores than when the entry was listed."""
    return repr(read_card(entry.folder).scores) != repr(entry.card.scores)  # NaN does not equal itself


def card_of_run(run: Run) -> ModelCard | None:
    """The card of a run's best model; None where there is none yet."""
    try:
        return read_card(run.best) if is_model(run.best) else None
    except UserError:
        return None


@needs("change")
def rename(entry: Entry, name: str) -> None:
    """Rename a model; its folder keeps its name. Raises UserError for an empty name."""
    name = " ".join(name.split())
    if not 0 < len(name) <= MAX_NAME:
        raise UserError(f"A model's name has 1 to {MAX_NAME} characters.")
    _change(entry, name=name)
    if entry.run:
        entry.run.set_name(name)


@needs("change")
def tag(entry: Entry, tags: list[str]) -> None:
    """Replace a model's tags. Raises UserError if there are too many, or one is too long."""
    kept = tuple(dict.fromkeys(" ".join(word.split()) for word in tags if word.strip()))
    if len(kept) > MAX_TAGS or any(len(word) > MAX_TAG for word in kept):
        raise UserError(f"A model has at most {MAX_TAGS} tags of at most {MAX_TAG} characters.")
    _change(entry, tags=kept)


@needs("change")
def delete(entry: Entry) -> Deleted:
    """Move a model, and its run if it has one, to the trash; `trash.restore` undoes it.

    Raises UserError for shipped models, those of rembg, and runs that are training.
    """
    if entry.ships or entry.is_rembgs:
        whose = "comes with the project" if entry.ships else "belongs to rembg"
        raise UserError(f"{entry.card.name} {whose} and cannot be deleted.")
    if entry.run is None:
        return trash.move_to_trash(entry.folder, entry.card.name)
    if entry.run.status().state in LIVE:
        raise UserError("This run is still training: stop it first.")
    return trash.move_to_trash(entry.run.folder, entry.card.name)


def _change(entry: Entry, **changes: object) -> None:
    if entry.is_rembgs:
        raise UserError(f"{entry.card.name} belongs to rembg: import its file to give it a name of your own.")
    try:
        update_card(entry.folder, **changes)
    except OSError as error:
        raise UserError(f"{entry.card.name} cannot be changed: {system_said(error)}.") from error


def _entry(folder: Path, run: Run | None) -> Entry | None:
    try:
        return Entry(folder, read_card(folder), weights_megabytes(folder), run)
    except (UserError, OSError):
        return None
