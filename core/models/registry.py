"""The models there are: those that ship in checkpoints/, the best of every run, and those brought in."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from core.errors import UserError, system_said
from core.models import trash
from core.models.card import WEIGHTS_FILE, ModelCard, is_model, read_card, update_card, weights_megabytes
from core.models.trash import Thrown
from core.policy.permissions import needs
from core.runs import run_folder
from core.runs.run_folder import LIVE, Run
from core.system import workspace
from core.system.score_names import named_score

MAX_NAME = 80
MAX_TAGS, MAX_TAG = 12, 30


@dataclass(frozen=True, slots=True)
class Entry:
    """One model. `run` is None for a model that was not trained here; `megabytes` is 10^6 bytes."""

    folder: Path
    card: ModelCard
    megabytes: float
    run: Run | None = None

    @property
    def key(self) -> str:
        """Changes when the weights do: what caches of predictions hang on."""
        return weights_key(self.folder)

    @property
    def fingerprint(self) -> str:
        """The key without the folder's path in it: for identifiers that browsers see."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:16]

    @property
    def ships(self) -> bool:
        """Whether it comes with the project: then it is not changed from here."""
        return self.folder.parent == workspace.SHIPPED_MODELS

    @property
    def label(self) -> str:
        told = named_score(self.card.scores)
        return f"{self.card.name} · {told}" if told else self.card.name


def weights_key(folder: Path) -> str:
    """Folder, time and size of a model's weights. Raises UserError when there are none."""
    try:
        stat = (folder / WEIGHTS_FILE).stat()
    except OSError as error:
        raise UserError(f"{folder} holds no model: name a folder with {WEIGHTS_FILE}.") from error
    return f"{folder.resolve()}|{stat.st_mtime_ns}|{stat.st_size}"


def list_models() -> list[Entry]:
    """Shipped models first, then runs, newest first, then those brought in, by name. Folders that
    cannot be read are passed over."""
    shipped = sorted(p for p in workspace.SHIPPED_MODELS.glob("*") if is_model(p))
    found = [_entry(folder, None) for folder in shipped]
    found += [_entry(run.best, run) for run in run_folder.list_runs() if is_model(run.best)]
    found += [_entry(folder, None) for folder in sorted(workspace.models().iterdir()) if is_model(folder)]
    return [entry for entry in found if entry is not None]


@needs("change")
def rename(entry: Entry, name: str) -> None:
    """Give a model another name. Its folder stays where it is. Raises UserError for an empty name."""
    name = " ".join(name.split())
    if not 0 < len(name) <= MAX_NAME:
        raise UserError(f"A model's name has 1 to {MAX_NAME} characters.")
    _change(entry, name=name)
    if entry.run:
        entry.run.set_name(name)


@needs("change")
def tag(entry: Entry, tags: list[str]) -> None:
    """Replace a model's tags. Raises UserError where there are too many, or one is too long."""
    kept = tuple(dict.fromkeys(" ".join(word.split()) for word in tags if word.strip()))
    if len(kept) > MAX_TAGS or any(len(word) > MAX_TAG for word in kept):
        raise UserError(f"A model has at most {MAX_TAGS} tags of at most {MAX_TAG} characters.")
    _change(entry, tags=kept)


@needs("change")
def delete(entry: Entry) -> Thrown:
    """Put a model away, with its run where it has one; `trash.bring_back` undoes it.

    Raises UserError for shipped models and for runs that train.
    """
    if entry.ships:
        raise UserError(f"{entry.card.name} comes with the project and is not deleted from here.")
    if entry.run is None:
        return trash.throw(entry.folder, entry.card.name)
    if entry.run.status().state in LIVE:
        raise UserError("This run is still training: stop it first.")
    return trash.throw(entry.run.folder, entry.card.name)


def _change(entry: Entry, **changes: object) -> None:
    try:
        update_card(entry.folder, **changes)
    except OSError as error:
        raise UserError(f"{entry.card.name} cannot be changed: {system_said(error)}.") from error


def _entry(folder: Path, run: Run | None) -> Entry | None:
    try:
        return Entry(folder, read_card(folder), weights_megabytes(folder), run)
    except (UserError, OSError):
        return None
