import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from core.config import DEFAULT_ENCODER, PRESETS, TrainConfig, preset_config
from core.data.photos import read_photo
from core.data.samples import sample_bytes
from core.data.transforms import augmentation
from core.errors import UserError
from core.inference.predictor import Predictor
from core.models import encoder_catalogue, pretrained
from core.models.card import read_card, update_card
from core.models.factory import build_model, encoder_names, load_model
from core.models.initial_weights import Origin
from core.models.preprocessing import LITE_PREPROCESSING, Preprocessing, fit_photo
from core.system.device import multiplies_bf16
from core.system.workspace import SHIPPED_MODELS
from tests.builders import untrained_card
from tests.limits import seconds


@pytest.mark.parametrize("kind", ["none", "tutorial", "light", "standard", "strong"])
@pytest.mark.parametrize("shape", [(50, 70), (64, 48), (31, 200)])
def test_augmented_pairs_have_the_asked_size_and_stay_binary(kind: str, shape: tuple[int, int]) -> None:
    transform = augmentation(kind, 64, 32)
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (*shape, 3), np.uint8)
    mask = (rng.random(shape) > 0.5).astype(np.uint8)
    for seed in range(12):
        transform.set_random_seed(seed)
        out = transform(image=photo, mask=mask)
        assert (out["image"].shape, out["image"].dtype) == ((64, 32, 3), np.uint8)
        assert out["mask"].shape == (64, 32) and set(np.unique(out["mask"])) <= {0, 1}


@pytest.mark.parametrize("kind", ["light", "standard", "strong"])
def test_mask_and_photo_move_together(kind: str) -> None:
    yy, xx = np.mgrid[0:90, 0:120]
    mask = (((yy - 40) ** 2 + (xx - 70) ** 2) < 25**2).astype(np.uint8)
    photo = np.repeat((mask * 200 + 20)[..., None], 3, axis=2).astype(np.uint8)
    transform = augmentation(kind, 64, 64)
    for seed in range(20):
        transform.set_random_seed(seed)
        out = transform(image=photo, mask=mask)
        grey = out["image"].astype(int).mean(axis=2)
        inside = out["mask"] == 1
        if 0.1 < inside.mean() < 0.9:
            middle = (grey[inside].mean() + grey[~inside].mean()) / 2
            assert ((grey > middle) == inside).mean() > 0.9


def test_the_same_seed_augments_the_same_way() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (80, 60, 3), np.uint8)
    results = []
    for _ in range(2):
        transform = augmentation("strong", 64, 48)
        transform.set_random_seed(5)
        results.append(transform(image=photo, mask=photo[..., 0] % 2)["image"])
    assert np.array_equal(*results)


def test_normalisation_is_the_textbook_one() -> None:
    images = torch.randint(0, 256, (2, 3, 4, 5), dtype=torch.uint8)
    prep = Preprocessing((0.5, 0.4, 0.3), (0.2, 0.3, 0.1))
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (prep.mean, prep.std))
    assert torch.allclose(prep.normalise(images), (images / 255 - mean) / std, atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (7, 900), (33, 31), (640, 480), (1000, 3)])
def test_photos_of_any_size_are_padded_to_multiples_of_32(size: tuple[int, int]) -> None:
    padded, inner = fit_photo(np.zeros((*size, 3), np.uint8), 128)
    assert padded.shape[0] % 32 == padded.shape[1] % 32 == 0
    assert inner[0] <= padded.shape[0] and inner[1] <= padded.shape[1]
    assert max(inner) == 128


@pytest.mark.parametrize("size", [(1, 1), (5, 301), (33, 31), (480, 640), (97, 64)])
def test_a_predictor_answers_at_the_photos_own_size(saved_model: Path, size: tuple[int, int]) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    probability = Predictor(saved_model, "cpu")(photo)
    assert (probability.shape, probability.dtype) == (size, np.float32)
    assert 0 <= probability.min() <= probability.max() <= 1


def test_prediction_of_an_unpadded_photo_is_the_bare_forward_pass(saved_model: Path) -> None:
    photo = np.random.default_rng(1).integers(0, 256, (96, 64, 3), np.uint8)
    model, kept = load_model(saved_model)
    with torch.inference_mode():
        batch = torch.from_numpy(photo.transpose(2, 0, 1)[None])
        expected = model(kept.preprocessing.normalise(batch)).sigmoid()[0, 0].numpy()
    predictor = Predictor(saved_model, "cpu")
    predictor._in_bf16 = False
    assert np.allclose(predictor(photo), expected, atol=1e-5)


def test_bf16_changes_probabilities_by_some_thousandths() -> None:
    if not multiplies_bf16("cpu"):
        pytest.skip("this processor does not multiply bf16, and prediction is in fp32")
    photo = read_photo(sample_bytes("Astronaut"), max_side=384)
    predictor = Predictor(SHIPPED_MODELS / "person-lite0", "cpu")
    short = predictor(photo)
    predictor._in_bf16 = False
    apart = np.abs(short - predictor(photo))
    assert 0 < apart.max() < 0.1 and apart.mean() < 0.002


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

    from core.data.photos import read_photo

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
    from huggingface_hub import constants
    from safetensors.torch import save as to_bytes

    state = smp.encoders.get_encoder("resnet18").state_dict()
    state = {k: torch.full_like(v, 0.5) if v.is_floating_point() else v for k, v in state.items()}
    files = {
        "config.json": json.dumps({"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]}).encode(),
        "model.safetensors": to_bytes(state),
    }
    asked: list[str] = []

    class Hub(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = files.get(self.path.rsplit("/", 1)[-1])
            asked.append(self.path)
            self.send_response(200 if content else 404)
            if content:
                self.send_header("ETag", f'"{len(content)}"')
                self.send_header("X-Repo-Commit", self.path.split("/resolve/")[1].split("/")[0])
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if content and self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(
        constants,
        "HUGGINGFACE_CO_URL_TEMPLATE",
        endpoint + "/{repo_id}/resolve/{revision}/{filename}",
        raising=False,
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    yield asked
    server.shutdown()


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


def test_the_encoder_list_of_the_page_is_smps() -> None:
    assert sorted(encoder_catalogue.all_encoders()) == encoder_names()
    assert encoder_catalogue.all_encoders()[0] == DEFAULT_ENCODER


def test_an_unknown_encoder_is_one_sentence() -> None:
    with pytest.raises(UserError, match="no encoder 'resnet1'"):
        build_model(TrainConfig("x", encoder="resnet1", encoder_weights="none"))


@pytest.mark.parametrize("architecture", ["Unet", "FPN", "DeepLabV3Plus", "Segformer"])
def test_other_architectures_build(architecture: str) -> None:
    model = build_model(
        TrainConfig("x", architecture=architecture, encoder="resnet18", encoder_weights="none")
    ).model
    assert model.eval()(torch.zeros(1, 3, 64, 64)).shape == (1, 1, 64, 64)


def test_every_preset_is_a_valid_configuration_and_goes_through_json() -> None:
    for name in PRESETS:
        config = preset_config(name, "some/folder")
        assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_the_tutorial_recipe_is_the_tutorials() -> None:
    config = preset_config("Tutorial recipe", "d")
    assert (config.architecture, config.encoder, config.batch_size) == ("Unet", "efficientnet-b3", 64)
    assert (config.optimizer, config.learning_rate, config.loss) == ("adam", 3e-4, "bce")
    assert (config.epochs, config.height, config.width, config.schedule) == (10, 256, 192, "constant")


@pytest.mark.parametrize(
    "bad",
    [{"height": 100}, {"epochs": 0}, {"loss": "l2"}, {"batch_size": "8"}, {"nonsense": 1}, {"data": ""}],
)
def test_settings_that_make_no_sense_are_one_sentence(bad: dict[str, object]) -> None:
    with pytest.raises(UserError):
        TrainConfig.from_dict({"data": "d", **bad})
