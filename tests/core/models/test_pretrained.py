"""Where an encoder's weights come from."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants

from core.config import DEFAULT_ENCODER, TrainConfig
from core.data.photos import read_photo
from core.models import pretrained
from core.models.factory import build_model
from core.models.initial_weights import Origin
from core.models.preprocessing import LITE_PREPROCESSING, Preprocessing, fit_photo
from core.models.pretrained import only_cached
from tests.core import hubs
from tests.limits import seconds


def test_two_that_read_the_hubs_cache_at_once_leave_the_hub_reachable() -> None:
    before = constants.HF_HUB_OFFLINE
    inside, leave = threading.Event(), threading.Event()

    def read() -> None:
        with only_cached():
            inside.set()
            leave.wait(10)

    first, second = threading.Thread(target=read), threading.Thread(target=read)
    first.start()
    assert inside.wait(10)
    second.start()
    leave.set()
    first.join(10), second.join(10)
    assert before == constants.HF_HUB_OFFLINE


def test_the_default_encoder_brings_its_imagenet_weights() -> None:
    built = build_model(TrainConfig("x"))
    assert built.weights.origin is Origin.LOCAL_PACKAGE
    assert built.preprocessing == Preprocessing((0.5,) * 3, (0.5,) * 3)
    package = pretrained.local_package(DEFAULT_ENCODER)
    assert package is not None
    source = torch.load(package, weights_only=True)
    target = built.model.encoder.state_dict()
    first = next(v for k, v in source.items() if v.dim() == 4)
    assert torch.equal(next(v for v in target.values() if v.dim() == 4), first)


def test_the_local_weights_know_a_cat() -> None:
    """The encoder with the package's classifier names skimage's cat a cat, so the mapping is right."""
    import timm

    package = pretrained.local_package(DEFAULT_ENCODER)
    assert package is not None
    source = torch.load(package, weights_only=True)
    values = [v for k, v in source.items() if "num_batches" not in k]
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    keys = [k for k in model.state_dict() if "num_batches" not in k]
    model.load_state_dict(dict(zip(keys, values, strict=True)), strict=False)
    from core.data import samples

    photo = read_photo(samples._scikit_image_data() / "chelsea.png")
    padded, _ = fit_photo(photo, 320)
    with torch.no_grad():
        batch = LITE_PREPROCESSING.normalise(torch.from_numpy(padded.transpose(2, 0, 1)[None].copy()))
        best = model(batch).argmax().item()
    assert best in (281, 282, 285)  # ImageNet's tabby, tiger cat, Egyptian cat


def test_without_a_hub_other_encoders_start_at_random_and_say_so_within_two_seconds() -> None:
    start = time.monotonic()
    built = build_model(TrainConfig("x", encoder="resnet18"))
    assert time.monotonic() - start < seconds(5)
    assert built.weights.origin is Origin.HUB_UNREACHABLE and "random" in str(built.weights)


@pytest.fixture
def stand_in_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A local server that speaks as much of the hub's language as a download needs."""
    import segmentation_models_pytorch as smp
    from safetensors.torch import save as to_bytes

    state = smp.encoders.get_encoder("resnet18").state_dict()
    state = {k: torch.full_like(v, 0.5) if v.is_floating_point() else v for k, v in state.items()}
    files = {
        "config.json": json.dumps({"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]}).encode(),
        "model.safetensors": to_bytes(state),
    }
    asked: list[str] = []

    class Hub(hubs.Answers):
        def do_GET(self) -> None:
            content = files.get(self.path.rsplit("/", 1)[-1])
            asked.append(self.path)
            if content:
                commit = self.path.split("/resolve/")[1].split("/")[0]
                self.send_bytes(content, {"ETag": f'"{len(content)}"', "X-Repo-Commit": commit})
            else:
                self.send_bytes(b"", {}, 404)

        do_HEAD = do_GET

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with hubs.as_the_hub(hubs.StandIn(Hub), monkeypatch, tmp_path / "hub-cache"):
        yield asked


def test_with_a_hub_the_weights_are_downloaded_once_and_used(stand_in_hub: list[str]) -> None:
    built = build_model(TrainConfig("x", encoder="resnet18"))
    assert built.weights.origin is Origin.HUB, stand_in_hub
    assert built.preprocessing == Preprocessing((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert (built.model.encoder.conv1.weight == 0.5).all()
    stand_in_hub.clear()
    again = build_model(TrainConfig("x", encoder="resnet18"))
    assert again.weights.origin is Origin.HUB_CACHE
    assert (again.model.encoder.conv1.weight == 0.5).all()
    assert stand_in_hub == []


def test_a_hub_that_does_not_answer_is_given_up_after_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # bound, not listening
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{deaf.getsockname()[1]}")
        start = time.monotonic()
        assert not pretrained.hub_answers()
        assert time.monotonic() - start < seconds(3)
