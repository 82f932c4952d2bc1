"""Every export is held against the model it came from."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import segmentation_models_pytorch as smp
import torch
from PIL import Image

from core.config import TrainConfig
from core.data.photos import read_photo
from core.data.samples import sample_bytes
from core.errors import UserError
from core.export import bundle
from core.export.bundle import Made, export
from core.export.formats import FORMATS
from core.inference.cutout import cut_out
from core.inference.predictor import Predictor
from core.models.card import ModelCard
from core.models.factory import build_model, load_model, save_model
from core.system.workspace import SHIPPED_MODELS
from core.task import Task

SHIPPED = SHIPPED_MODELS / "person-lite0"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return export(SHIPPED, tmp_path_factory.mktemp("export") / "person", FORMATS)


@pytest.fixture(scope="module")
def stiff(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved model of three classes whose network takes one size alone once it is exported."""
    task = Task("multiclass", ("sky", "road", "car"), (0, 1, 2))
    config = TrainConfig(
        "-", architecture="PSPNet", encoder="resnet18", encoder_weights="none", height=96, width=64
    )
    folder = tmp_path_factory.mktemp("stiff") / "model"
    torch.manual_seed(0)
    card = ModelCard("Stiff", "PSPNet", "resnet18", "none", height=96, width=64, task=task)
    save_model(build_model(config, task).model.eval(), card, folder)
    return folder


def images(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("shape", [(1, 3, 64, 64), (3, 3, 96, 160), (2, 3, 416, 288)])
def test_onnx_gives_the_models_logits_at_any_size_and_batch(made: Made, shape: tuple[int, ...]) -> None:
    model, _ = load_model(SHIPPED)
    session = onnxruntime.InferenceSession(made.folder / "model.onnx")
    (logits,) = session.run(None, {"images": images(*shape).numpy()})
    with torch.inference_mode():
        ours = model(images(*shape)).numpy()
    assert logits.shape == (shape[0], 1, *shape[2:])
    assert np.abs(logits - ours).max() < 1e-4


def test_every_format_has_its_file(made: Made) -> None:
    assert [key for key, form in FORMATS.items() if not (made.folder / form.file).exists()] == []


def test_the_onnx_file_says_how_it_is_used(made: Made) -> None:
    _, card = load_model(SHIPPED)
    stored = {p.key: json.loads(p.value) for p in onnx.load(made.folder / "model.onnx").metadata_props}
    assert stored["mean"] == list(card.preprocessing.mean)
    assert stored["std"] == list(card.preprocessing.std)
    assert (stored["threshold"], stored["long_side"]) == (card.threshold, card.long_side)
    assert (stored["task"], stored["size"], stored["multiple_of"]) == ("binary", None, 32)


def test_the_torch_program_needs_no_model_code(made: Made) -> None:
    model, _ = load_model(SHIPPED)
    program = torch.export.load(made.folder / "model.pt2").module()
    with torch.inference_mode():
        assert (program(images(3, 3, 64, 128)) - model(images(3, 3, 64, 128))).abs().max() < 1e-4


def test_the_folder_opens_with_smp(made: Made) -> None:
    model, _ = load_model(SHIPPED)
    again = smp.from_pretrained(str(made.folder / "smp")).eval()
    with torch.inference_mode():
        assert torch.equal(again(images(1, 3, 64, 64)), model(images(1, 3, 64, 64)))


def test_eight_bits_are_a_third_of_the_size_and_nearly_the_same_mask(made: Made) -> None:
    full, small = made.folder / "model.onnx", made.folder / "model-int8.onnx"
    assert small.stat().st_size < full.stat().st_size / 3
    assert made.int8 is not None
    assert 0.97 < made.int8.agreement <= 1
    before = {p.key: p.value for p in onnx.load(full).metadata_props}
    assert before.items() <= {p.key: p.value for p in onnx.load(small).metadata_props}.items()


def run_without_torch(script: Path, *arguments: str) -> None:
    """As on a machine that has onnxruntime, numpy and pillow alone."""
    absent = ("torch", "cv2", "core", "onnx", "segmentation_models_pytorch")
    code = (
        f"import sys, runpy; sys.modules.update(dict.fromkeys({absent!r})); "
        f"sys.argv = {[str(script), *arguments]!r}; runpy.run_path({str(script)!r}, run_name='__main__')"
    )
    subprocess.run([sys.executable, "-c", code], cwd=script.parent, check=True, timeout=120)


def test_the_script_predicts_what_the_app_predicts(made: Made, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(sample_bytes("Astronaut"))
    run_without_torch(made.folder / "predict.py", str(tmp_path / "photo.png"), "--cutout")
    photo = read_photo(tmp_path / "photo.png")
    mask = np.asarray(Image.open(tmp_path / "photo_mask.png"))
    cutout = Image.open(tmp_path / "photo_cutout.png")
    ours = cut_out(photo, Predictor(SHIPPED)).mask
    assert set(np.unique(mask)) == {0, 255}
    assert (mask == ours).mean() > 0.995
    assert (cutout.mode, cutout.size) == ("RGBA", (photo.shape[1], photo.shape[0]))


def test_a_network_that_is_tied_to_its_size_is_exported_with_it(stiff: Path, tmp_path: Path) -> None:
    made = export(stiff, tmp_path / "out", ["onnx", "script"])
    assert not made.any_size
    model, _ = load_model(stiff)
    session = onnxruntime.InferenceSession(tmp_path / "out" / "model.onnx")
    (logits,) = session.run(None, {"images": images(3, 3, 96, 64).numpy()})
    with torch.inference_mode():
        ours = model(images(3, 3, 96, 64)).numpy()
    assert np.abs(logits - ours).max() < 1e-4 * max(1, np.abs(ours).max())
    Image.new("RGB", (200, 100), (90, 120, 30)).save(tmp_path / "photo.jpg")
    run_without_torch(tmp_path / "out" / "predict.py", str(tmp_path / "photo.jpg"))
    mask = np.asarray(Image.open(tmp_path / "photo_mask.png"))
    assert mask.shape == (100, 200)
    assert mask.max() < 3


def test_what_differs_from_the_model_is_refused_and_leaves_nothing(
    stiff: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "TOLERANCE", -1.0)
    with pytest.raises(UserError, match="differ from the model"):
        export(stiff, tmp_path / "out", ["torch"])
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_format_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"'coreml'.*onnx"):
        export(SHIPPED, tmp_path / "out", ["onnx", "coreml"])
