"""A training may start from a saved model."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from core.errors import UserError
from core.models.card import read_card, write_card
from core.models.factory import build_model, load_model
from core.runs.events import EpochEnd, Started
from core.task import Task
from tests.builders import of, tiny, trained


def test_a_training_can_start_from_a_saved_model(saved_model: Path, small_data: Path, tmp_path: Path) -> None:
    config = tiny(small_data, start_from=str(saved_model), epochs=1)
    one, two = (trained(config, tmp_path / name) for name in ("one", "two"))
    started = of(Started, one)[0]
    assert started.weights == "those of Test"
    other = trained(replace(config, start_from="", seed=7), tmp_path / "other")
    untrained = [of(EpochEnd, events)[0].validation_loss for events in (one, two, other)]
    assert untrained[0] == untrained[1] != untrained[2]


def test_a_saved_model_of_another_kind_is_refused_by_name(
    saved_model: Path, small_data: Path, tmp_path: Path
) -> None:
    config = tiny(small_data, start_from=str(saved_model), encoder="resnet18")
    with pytest.raises(UserError, match="choose these"):
        trained(config, tmp_path / "run")


def test_a_model_of_one_foreground_is_the_start_of_one_of_several_classes_but_for_its_last_layer(
    saved_model: Path, tmp_path: Path
) -> None:
    saved, _ = load_model(saved_model)
    config = tiny(tmp_path, start_from=str(saved_model))
    built = build_model(config, Task("multiclass", ("ground", "disc", "rim"), (0, 1, 2)))
    assert str(built.weights) == "those of Test, but for the last layer"
    before, now = saved.state_dict(), built.model.state_dict()
    heads = {name for name in now if name.startswith("segmentation_head.")}
    assert all(torch.equal(now[name], before[name]) for name in now.keys() - heads)
    assert {now[name].shape[0] for name in heads} == {3}


def test_a_model_that_goes_on_from_another_is_under_its_terms(saved_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(saved_model, tmp_path / "model")
    card = replace(read_card(folder), weights_licence="Apache-2.0", data_licence="research only")
    write_card(folder, card)
    licence = build_model(tiny(tmp_path, start_from=str(folder))).licence
    assert licence == "Apache-2.0; Test learned from data with terms of their own (research only)"
