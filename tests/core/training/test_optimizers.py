"""Learning rates of the encoder, weight decay, and the average of weights."""

from pathlib import Path

import pytest
import torch

from core.models.factory import build_model
from core.training.optimizers import average_of, make_optimizer
from tests.builders import tiny


def test_the_encoder_has_its_own_rate_and_norms_are_not_decayed() -> None:
    config = tiny(Path("x"), encoder_lr_multiplier=0.1, learning_rate=1e-2)
    model = build_model(config).model
    groups = make_optimizer(config, model).param_groups
    encoder = {id(p) for p in model.get_submodule("encoder").parameters()}
    for group in groups:
        inside = {id(p) in encoder for p in group["params"]}
        assert inside == {group["lr"] == pytest.approx(1e-3)}
        assert {p.ndim > 1 for p in group["params"]} == {group["weight_decay"] > 0}
    assert sum(len(g["params"]) for g in groups) == len(list(model.parameters()))


def test_the_running_average_follows_the_published_warm_up() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    average = average_of(model, 0.5)
    expected = None
    for step, value in enumerate((1.0, 2.0, 4.0, 8.0)):
        torch.nn.init.constant_(model.weight, value)
        average.update_parameters(model)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = value if expected is None else decay * expected + (1 - decay) * value
        assert average.module.weight.item() == pytest.approx(expected)
