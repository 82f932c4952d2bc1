"""What a model's card says the model finds."""

from dataclasses import replace

import pytest

from core.models.card import ModelCard, purpose, read_card
from core.system.workspace import SHIPPED_MODELS
from core.task import Task

CARD = ModelCard("Mine", "Unet", "resnet18", "imagenet")


@pytest.mark.parametrize("folder", sorted(SHIPPED_MODELS.iterdir()), ids=lambda folder: folder.name)
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
