"""Whether a training starts from random weights that nobody asked for is a value, not a word in a text."""

from pathlib import Path

import pytest

from core.config import TrainConfig
from core.models import factory, pretrained
from core.models.factory import build_model
from core.models.initial_weights import InitialWeights, Origin
from core.runs.events import Note
from core.training.loop import fit

WARNED = {Origin.NONE_EXIST, Origin.HUB_UNREACHABLE, Origin.HUB_FAILED}


@pytest.mark.parametrize("origin", Origin)
def test_only_random_weights_that_nobody_asked_for_are_missing(origin: Origin) -> None:
    assert InitialWeights(origin, "cannot").are_missing == (origin in WARNED)
    assert "{" not in str(InitialWeights(origin, "cannot"))


def fail_to_download(monkeypatch: pytest.MonkeyPatch) -> None:
    real = factory._create

    def create(config: TrainConfig, outputs: int, weights: str | None = None) -> object:
        if weights:
            raise OSError("429 Too Many Requests")
        return real(config, outputs)

    monkeypatch.setattr(pretrained, "hub_answers", lambda: True)
    monkeypatch.setattr(factory, "_create", create)


def test_a_failed_download_is_a_warning_when_the_training_starts(
    small_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_to_download(monkeypatch)
    config = TrainConfig(str(small_data), encoder="resnet18", height=64, width=64, device="cpu")
    built = build_model(config)
    assert built.weights == InitialWeights(Origin.HUB_FAILED, "429 Too Many Requests")
    (tmp_path / "run").mkdir()
    for event in fit(config, tmp_path / "run"):
        if isinstance(event, Note) and event.text.startswith("Encoder weights"):
            assert event.level == "warning" and "429 Too Many Requests" in event.text
            return
    pytest.fail("nothing was said of the weights")
