"""The models there are: those that ship in checkpoints/ and the best of every run."""

from dataclasses import dataclass
from pathlib import Path

from core import runs, workspace
from core.errors import UserError
from core.model_card import WEIGHTS_FILE, ModelCard, is_model, read_card, update_card, weights_megabytes
from core.runs import Run

MAX_NAME = 80


@dataclass(frozen=True, slots=True)
class Entry:
    """One model. `run` is None for a model that ships with the project; `megabytes` is 10^6 bytes."""

    folder: Path
    card: ModelCard
    megabytes: float
    run: Run | None = None

    @property
    def key(self) -> str:
        """Changes when the weights do: what caches of predictions hang on."""
        return weights_key(self.folder)

    @property
    def label(self) -> str:
        dice = self.card.scores.get("dice")
        return f"{self.card.name} · Dice {dice:.3f}" if dice is not None else self.card.name


def weights_key(folder: Path) -> str:
    """Folder, time and size of a model's weights. Raises UserError when there are none."""
    try:
        stat = (folder / WEIGHTS_FILE).stat()
    except OSError as error:
        raise UserError(f"{folder} holds no model: name a folder with {WEIGHTS_FILE}.") from error
    return f"{folder.resolve()}|{stat.st_mtime_ns}|{stat.st_size}"


def list_models() -> list[Entry]:
    """Shipped models first, then runs, newest first. Folders that cannot be read are passed over."""
    shipped = sorted(p for p in workspace.SHIPPED_MODELS.glob("*") if is_model(p))
    found = [_entry(folder, None) for folder in shipped]
    found += [_entry(run.best, run) for run in runs.list_runs() if is_model(run.best)]
    return [entry for entry in found if entry is not None]


def rename(entry: Entry, name: str) -> None:
    """Give a model another name. Its folder stays where it is. Raises UserError for an empty name."""
    name = " ".join(name.split())
    if not 0 < len(name) <= MAX_NAME:
        raise UserError(f"A model's name has 1 to {MAX_NAME} characters.")
    try:
        update_card(entry.folder, name=name)
    except OSError as error:
        raise UserError(f"{entry.card.name} cannot be renamed ({error.strerror}).") from error


def delete(entry: Entry) -> None:
    """Delete a run and its models. Raises UserError for shipped models and for runs that train."""
    if entry.run is None:
        raise UserError(f"{entry.card.name} comes with the project and is not deleted from here.")
    runs.delete(entry.run)


def _entry(folder: Path, run: Run | None) -> Entry | None:
    try:
        return Entry(folder, read_card(folder), weights_megabytes(folder), run)
    except (UserError, OSError):
        return None
