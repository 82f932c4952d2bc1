"""The card of the model that a training makes."""

import datetime
from dataclasses import replace

from core.config import TrainConfig
from core.data.dataset import DataFolder
from core.data.store import stored_side
from core.evaluation.statistics import pooled_intervals
from core.models.card import ModelCard
from core.models.encoder_catalogue import short_name
from core.models.factory import Built
from core.models.window import Window
from core.system.formatting import dimensions
from core.system.score_names import LABELS
from core.training.validation import Validated


def card_of(config: TrainConfig, data: DataFolder, built: Built) -> ModelCard:
    window = Window.of(config)
    return ModelCard(
        name=config.name or f"{data.name}, {short_name(config.encoder)}",
        architecture=config.architecture,
        encoder=config.encoder,
        encoder_weights=str(built.weights),
        preprocessing=built.preprocessing,
        height=config.height,
        width=config.width,
        # Training crops show larger subjects than whole photos do: a third more pixels score better.
        long_side=0 if window else stored_side(config.height, config.width),
        window=window,
        data=data.name,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        data_licence=str(data.about.get("licence") or ""),
        weights_licence=built.licence,
        settings=config.to_dict(),
        task=data.encoding.task,
        value_range=data.value_range,
    )


def with_scores(card: ModelCard, found: Validated, epoch: int) -> ModelCard:
    images = found.scores.images
    size = dimensions(card.height, card.width)
    seen = f"in windows of {size} at their own size" if card.window else f"at {size}"
    where = f"{images} validation images {seen}, after epoch {epoch}."
    intervals = {
        name: interval.ends
        for name, interval in pooled_intervals(found.counts, card.task).items()
        if name in LABELS and interval.ends
    }
    scores = {key: getattr(found.scores, key) for key in LABELS}
    return replace(card, scores=scores, intervals=intervals, scored_on=where)
