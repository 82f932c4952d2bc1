"""What leaves this machine does not say where things are on it."""

import math
import sys
import zipfile
from pathlib import Path

import pytest
import torch

from core.config import TrainConfig
from core.errors import UserError
from core.export.bundle import export, saved_program
from core.export.onnx_file import save_onnx, traced
from core.models.card import ModelCard, read_card
from core.models.factory import build_model, save_model
from core.system.workspace import PROJECT

SECRET = "/home/owner/patients"
LEAKS = [SECRET.encode(), str(PROJECT).encode(), sys.prefix.encode(), b"site-packages"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own") / "model"
    config = TrainConfig(
        SECRET, encoder="resnet18", encoder_depth=3, encoder_weights="none", height=64, width=64
    )
    card = ModelCard("Own", "Unet", "resnet18", "none", height=64, width=64, settings={
        **config.to_dict(), "start_from": f"{SECRET}/best"})  # fmt: skip
    save_model(build_model(config).model, card, folder)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """By name: the files of a folder, and what is in those that are zips."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file():
            found[path.name] = path.read_bytes()
        if path.is_file() and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                found |= {f"{path.name}: {name}": archive.read(name) for name in archive.namelist()}
    return found


def leaks(folder: Path, *more: str) -> list[tuple[str, bytes]]:
    wanted = [*LEAKS, *(word.encode() for word in more)]
    return [(name, leak) for name, content in contents(folder).items() for leak in wanted if leak in content]


def test_an_export_of_a_model_says_nothing_of_its_data_set_s_folder(model: Path, tmp_path: Path) -> None:
    export(model, tmp_path / "out", ["smp"])
    assert {"studio.json", "export.json", "README.md"} <= contents(tmp_path / "out").keys()
    assert leaks(tmp_path / "out", str(tmp_path)) == []
    assert read_card(tmp_path / "out" / "smp").settings["encoder"] == "resnet18"  # the rest is kept
    assert read_card(model).settings["data"] == SECRET  # and the model itself as it was


class Padded(torch.nn.Module):
    """Pads as TensorFlow does, by a size that torch can follow and cannot write down."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        more = math.ceil(images.shape[3] / 3) * 3 - images.shape[3]
        return torch.nn.functional.pad(images, (0, more))


def test_traced_networks_name_no_source_files_and_what_torch_cannot_write_is_a_sentence(
    tmp_path: Path,
) -> None:
    card = ModelCard("Test", "Unet", "resnet18", "none", height=64, width=64)
    program, any_size = traced(Padded(), card)
    assert any_size
    with pytest.raises(UserError, match="Unet with resnet18 cannot be written"):
        saved_program(program, card, tmp_path / "model.pt2")
    (tmp_path / "model.pt2").unlink(missing_ok=True)
    network = torch.nn.Conv2d(3, 1, 3, padding=1).eval()
    program, _ = traced(network, card)
    saved_program(program, card, tmp_path / "model.pt2")
    assert save_onnx(network, card, tmp_path / "model.onnx")
    assert leaks(tmp_path) == []
