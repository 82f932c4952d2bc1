"""The card of the model that a training makes."""

import datetime
from dataclasses import replace

from core.config import TrainConfig
from core.data.dataset import DataFolder
from core.data.store import stored_side
from core.encoder_guide import short_name
from core.metrics import Scores
from core.model_card import LABELS, ModelCard
from core.models import Built


def card_of(config: TrainConfig, data: DataFolder, built: Built) -> ModelCard:
    return ModelCard(
        name=config.name or f"{data.name}, {short_name(config.encoder)}",
        architecture=config.architecture,
        encoder=config.encoder,
        encoder_weights=built.weights,
        preprocessing=built.preprocessing,
        height=config.height,
        width=config.width,
        # Crops showed the network larger subjects than whole photos do: a third more pixels score better.
        long_side=stored_side(config.height, config.width),
        data=data.name,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        settings=config.to_dict(),
        task=data.rule.task,
    )


def with_scores(card: ModelCard, scores: Scores, epoch: int, images: int) -> ModelCard:
    where = f"{images} validation images at {card.height}x{card.width}, after epoch {epoch}."
    return replace(card, scores={key: getattr(scores, key) for key in LABELS}, scored_on=where)
