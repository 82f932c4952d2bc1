"""A new network begins with how common each class is, where one of them is rare."""

import pytest
import torch

from core.config import TrainConfig
from core.models.factory import Built, build_model
from core.models.initial_weights import InitialWeights, Origin
from core.task import Task
from core.training.prior import start_at_shares
from tests.builders import LIGHT_ENCODER, THREE

CONFIG = TrainConfig("x", encoder=LIGHT_ENCODER, encoder_weights="none")
LABELS = Task("multilabel", ("a", "b"))


def predicted(built: Built, task: Task) -> torch.Tensor:
    """The mean probability of each class on noise."""
    torch.manual_seed(0)
    with torch.no_grad():
        logits = built.model.train()(torch.randn(4, 3, 64, 64))
    shares = logits.softmax(1) if task.kind == "multiclass" else logits.sigmoid()
    return shares.mean((0, 2, 3))


@pytest.mark.parametrize(
    ("task", "shares"), [(Task(), [0.01]), (THREE, [0.6, 0.38, 0.02]), (LABELS, [0.3, 0.02])]
)
def test_a_new_network_predicts_the_shares_of_the_classes(task: Task, shares: list[float]) -> None:
    built, wanted = build_model(CONFIG, task), torch.tensor(shares)
    before = predicted(built, task)
    assert start_at_shares(built, wanted, task)
    after = predicted(built, task)
    rarest = int(wanted.argmin())
    assert after[rarest] < 5 * wanted[rarest] < before[rarest]


def test_nothing_changes_where_no_class_is_rare() -> None:
    built = build_model(CONFIG)
    before = {name: value.clone() for name, value in built.model.state_dict().items()}
    assert not start_at_shares(built, torch.tensor([0.3]), Task())
    assert all(torch.equal(value, before[name]) for name, value in built.model.state_dict().items())


def test_a_model_that_goes_on_keeps_what_it_has_learnt() -> None:
    built = Built(
        build_model(CONFIG).model, InitialWeights(Origin.MODEL, "mine"), build_model(CONFIG).preprocessing
    )
    assert not start_at_shares(built, torch.tensor([0.01]), Task())


def test_a_class_without_any_pixel_is_possible_all_the_same() -> None:
    built = build_model(CONFIG)
    assert start_at_shares(built, torch.tensor([0.0]), Task())
    assert torch.isfinite(predicted(built, Task())).all()
