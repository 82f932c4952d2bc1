"""What can be evaluated: a model of the library, or one of two baselines to compare it with."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.config import TrainConfig
from core.models.card import ModelCard, read_card, weights_megabytes
from core.models.registry import Entry, predictions_key
from core.task import Task

if TYPE_CHECKING:
    from core.inference.predictor import Predictor

NOTHING, UNTRAINED = "Predict nothing", "Untrained"


@dataclass(frozen=True, slots=True)
class Candidate:
    """`key` changes when the predictions would; `make` loads the model; `megabytes` of its weights. `refine`:
    whether the mask of one foreground is scored with refined edges or plain; by default as users get it.
    `folder` is that of a saved model, whose card has its scores."""

    key: str
    label: str
    card: ModelCard
    megabytes: float
    make: Callable[[], "Predictor"]
    refine: bool = True
    folder: Path | None = None


def of_folder(
    folder: Path,
    device: str = "auto",
    threshold: float | None = None,
    long_side: int | None = None,
    refine: bool | None = None,
    card: ModelCard | None = None,
) -> Candidate:
    """A saved model in any folder, or an ONNX file; optionally with a threshold, size or `card` that are not
    its own, and with edges refined or not, by default as its card says.

    Raises UserError where there is no readable model.
    """
    card = card or read_card(folder)
    changed = dataclasses.replace(
        card,
        threshold=card.threshold if threshold is None else threshold,
        long_side=long_side or card.long_side,
    )

    def make() -> "Predictor":
        from core.inference.predictor import Predictor

        return Predictor(folder, device, changed)

    key, megabytes = predictions_key(folder, card), weights_megabytes(folder)
    fine = card.refine_edges if refine is None else refine
    return Candidate(key, card.name, changed, megabytes, make, fine, folder)


def of_entry(entry: Entry) -> Candidate:
    """A model of the library."""

    def make() -> "Predictor":
        from core.inference.predictor import Predictor

        return Predictor(entry.folder)

    card = entry.card
    return Candidate(entry.key, card.name, card, entry.megabytes, make, card.refine_edges, entry.folder)


def newest_on(entries: Sequence[Entry], data: Path | None) -> list[Entry]:
    """The same models, those trained on this data set first and then those of other runs, newest first."""

    def rank(entry: Entry) -> int:
        trained_on = str(entry.card.settings.get("data") or "")
        if data is not None and trained_on and Path(trained_on).resolve() == data.resolve():
            return 0
        return 1 if entry.run else 2

    return sorted(entries, key=rank)  # stable: runs come newest first


def baselines(entry: Entry) -> list[Candidate]:
    """The baselines of this model: predicting nothing, and the network before training, unless it is an ONNX
    file from elsewhere."""
    first = [nothing(entry.card.task)]
    return first if entry.card.onnx else [*first, untrained(entry)]


def nothing(task: Task) -> Candidate:
    """Predicts no foreground anywhere; of several classes, the first everywhere."""
    card = ModelCard(NOTHING, "", "", "none", long_side=64, task=task)

    def make() -> "Predictor":
        from core.evaluation.constant import Constant

        return _predictor(Constant(task), card)

    return Candidate(f"nothing {task.to_dict()}", NOTHING, card, 0.0, make)


def untrained(entry: Entry) -> Candidate:
    """The network with which this model's training starts: pretrained encoder, random decoder."""
    card = dataclasses.replace(entry.card, name=f"{UNTRAINED} {entry.card.encoder}", threshold=0.5)

    def make() -> "Predictor":
        import torch

        from core.models.factory import build_model

        known = {k: v for k, v in entry.card.settings.items() if k in TrainConfig.__dataclass_fields__}
        config = dataclasses.replace(
            TrainConfig.from_dict({**known, "data": known.get("data") or "none"}),
            encoder=card.encoder, architecture=card.architecture,
        )  # fmt: skip
        with torch.random.fork_rng():
            torch.manual_seed(0)
            built = build_model(config, card.task)
        return _predictor(built.model, dataclasses.replace(card, preprocessing=built.preprocessing))

    return Candidate(f"untrained {entry.key}", card.name, card, entry.megabytes, make)


def _predictor(model: Any, card: ModelCard) -> "Predictor":
    from core.inference.predictor import Predictor
    from core.system.device import pick_device

    return Predictor.of(model, card, pick_device())
