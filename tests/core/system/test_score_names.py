"""One name and one number of digits for each score, and what earlier files called it."""

from pathlib import Path

import pytest

from core.models.card import ModelCard, card_text, read_card
from core.models.registry import Entry
from core.runs import events
from core.runs.events import EpochEnd
from core.system.score_names import LABELS, named_score, score
from core.system.workspace import SHIPPED_MODELS, read_json


@pytest.mark.parametrize("folder", sorted(p.parent for p in SHIPPED_MODELS.glob("*/studio.json")), ids=str)
def test_cards_that_ship_keep_their_figures_under_their_full_names(folder: Path) -> None:
    written, card = read_json(folder / "studio.json")["scores"], read_card(folder)
    assert (
        card.scores["dice_pooled"] == written["dice_pooled"]
        and card.scores["dice_mean"] == written["dice_mean"]
    )
    text = card_text(card)
    assert f"| Dice (mean over images) | {written['dice_mean']:.4f}" in text
    assert f"| Dice (pooled pixels) | {written['dice_pooled']:.4f}" in text
    label = Entry(folder, card, 1.0).label
    assert label == f"{card.name} · {written['dice_mean']:.4f} Dice (mean over images)"


def test_a_card_is_read_as_it_was_written() -> None:
    card = ModelCard("a", "", "", "", scores=dict.fromkeys(LABELS, 0.5), intervals={"dice_mean": (0.4, 0.6)})
    assert ModelCard.from_dict(card.to_dict()) == card


def test_a_card_without_a_mean_names_the_pooled_figure_in_full() -> None:
    assert named_score({"dice_pooled": 0.94561}) == "Dice (pooled pixels) 0.9456"
    assert named_score({}) == ""


def test_events_of_earlier_runs_are_read_under_the_names_of_now() -> None:
    line = (
        '{"event": "epoch", "epoch": 1, "train_loss": 0.3, "validation_loss": 0.2, "dice": 0.8, '
        '"dice_mean": 0.7, "iou": 0.6, "miou": 0.7, "pixel_accuracy": 0.9, "precision": 0.8, "recall": 0.8, '
        '"seconds": 9.0, "is_best": true}'
    )
    (epoch,) = events.from_lines([line])
    assert isinstance(epoch, EpochEnd)
    assert (epoch.dice_pooled, epoch.dice_mean, epoch.iou_pooled) == (0.8, 0.7, 0.6)
    assert score(epoch.iou_mean) == "unknown"
    (again,) = events.from_lines([events.to_line(epoch)])
    assert isinstance(again, EpochEnd) and again.dice_pooled == 0.8
