"""Saved models open; damaged and hostile ones are one sentence."""

import json
from pathlib import Path

import pytest
import torch

from core.errors import UserError
from core.models.card import read_card, update_card
from core.models.factory import load_model
from tests.builders import untrained_card


def test_a_saved_model_is_smps_own_folder_with_a_card(saved_model: Path) -> None:
    import segmentation_models_pytorch as smp

    assert {p.name for p in saved_model.iterdir()} == {
        "config.json", "model.safetensors", "studio.json", "README.md",
    }  # fmt: skip
    theirs, (ours, kept) = smp.from_pretrained(saved_model).eval(), load_model(saved_model)
    batch = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(theirs(batch), ours(batch))
    assert kept == untrained_card() and "smp.from_pretrained" in (saved_model / "README.md").read_text()


def test_a_card_survives_renaming_and_the_weights_stay(saved_model: Path) -> None:
    before = (saved_model / "model.safetensors").read_bytes()
    update_card(saved_model, name="Another")
    assert read_card(saved_model).name == "Another"
    assert (saved_model / "model.safetensors").read_bytes() == before
    update_card(saved_model, name="Test")


@pytest.mark.parametrize("harm", ["truncated", "pickle", "other class", "no config", "not json", "odd card"])
def test_a_damaged_or_hostile_model_is_one_sentence(saved_model: Path, tmp_path: Path, harm: str) -> None:
    import shutil

    folder = shutil.copytree(saved_model, tmp_path / "bad")
    weights, config = folder / "model.safetensors", folder / "config.json"
    match harm:
        case "truncated":
            weights.write_bytes(weights.read_bytes()[:5000])
        case "pickle":
            torch.save({"a": torch.ones(1)}, weights)
        case "other class":
            config.write_text(json.dumps({"_model_class": "os"}))
        case "no config":
            config.unlink()
        case "not json":
            config.write_text("{")
        case "odd card":
            (folder / "studio.json").write_text(json.dumps({"name": "x", "scores": ["a"]}))
    with pytest.raises(UserError):
        load_model(folder)
