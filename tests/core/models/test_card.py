"""What a model's card from outside may do to whoever reads it, and what it may not say."""

from dataclasses import replace

import pytest

from core.models.card import ModelCard, card_text, purpose, read_card
from core.system.formatting import without_pictures
from core.system.workspace import SHIPPED_MODELS
from core.task import Task

CARD = ModelCard("Mine", "Unet", "resnet18", "imagenet")


@pytest.mark.parametrize("folder", sorted(SHIPPED_MODELS.glob("person-*")), ids=lambda folder: folder.name)
def test_a_shipped_model_says_that_it_finds_people(folder: object) -> None:
    card = read_card(SHIPPED_MODELS / str(folder))
    assert purpose(card) == f"{card.name} finds people"


def test_the_subject_comes_before_the_class_and_the_class_before_the_data() -> None:
    named = replace(CARD, data="cracks", task=Task("binary", ("crack",)))
    assert purpose(replace(named, subject="cracks in walls")) == "Mine finds cracks in walls"
    assert purpose(named) == "Mine finds crack"
    assert purpose(replace(CARD, data="cracks")) == "Mine was trained on cracks"
    assert purpose(CARD) == ""


def test_several_classes_are_named_by_their_legend() -> None:
    assert purpose(replace(CARD, data="streets", task=Task("multiclass", ("sky", "road"), (0, 1)))) == ""


def test_the_subject_is_kept_by_a_card() -> None:
    assert ModelCard.from_dict(replace(CARD, subject="cells").to_dict()).subject == "cells"


MarkdownIt = pytest.importorskip("markdown_it").MarkdownIt


BEACONS = [
    "![x](http://192.0.2.1/a.png)",
    "[![x](http://192.0.2.1/a.png)](http://192.0.2.1)",
    "![x][one]\n\n[one]: http://192.0.2.1/a.png",
    "!![x](http://192.0.2.1/a.png)",
    r"\![x](http://192.0.2.1/a.png)",
    r"\\![x](http://192.0.2.1/a.png)",
    "| a |\n|---|\n| ![x](http://192.0.2.1/a.png) |",
    "> ![](//192.0.2.1/a)",
    "!\\[x](http://192.0.2.1/a.png)",
]


@pytest.mark.parametrize("text", BEACONS)
def test_a_cards_pictures_are_not_fetched(text: str) -> None:
    shown = MarkdownIt("commonmark", {"html": False}).enable("table").render(without_pictures(text))
    assert "<img" not in shown


def test_the_beacons_would_be_fetched_otherwise() -> None:
    render = MarkdownIt("commonmark", {"html": False}).enable("table").render
    assert sum("<img" in render(text) for text in BEACONS) >= 6


def test_a_card_names_no_folder_of_the_machine_that_trained_it() -> None:
    settings = {"data": "/home/ada/photos", "start_from": "/home/ada/models/x", "epochs": 3}
    text = card_text(ModelCard("x", "Unet", "resnet18", "none", settings=settings))
    assert "/home/ada" not in text and "| epochs | 3 |" in text
