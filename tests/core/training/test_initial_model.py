"""A training may start from a saved model."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import UserError
from core.runs.events import EpochEnd, Started
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
