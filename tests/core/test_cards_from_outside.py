"""What a model's card from outside may do to whoever reads it, and what it may not say."""

import os
import time
from pathlib import Path

import pytest
from huggingface_hub import constants

from core.models.card import ModelCard, card_text
from core.policy.permissions import OWNER, acting_as
from core.server import retention
from core.system.formatting import without_pictures

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


def test_what_the_hub_left_in_the_workspace_goes_with_time_and_elsewhere_stays(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, name in ((workspace / "hub", "mine"), (tmp_path / "elsewhere", "others")):
        (place / f"models--a--{name}").mkdir(parents=True)
        os.utime(place / f"models--a--{name}", (time.time() - 7200,) * 2)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(place))
        with acting_as(OWNER):
            retention.clean(1)
    assert not (workspace / "hub" / "models--a--mine").exists()
    assert (tmp_path / "elsewhere" / "models--a--others").exists()
