"""Plain smp folders: what is imported gives one map of logits a class on RGB photos, or is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from core.errors import UserError
from core.inference.predictor import Predictor
from core.models.card import WEIGHTS_FILE, read_card
from core.models.factory import load_model
from core.models.importing import import_folder
from core.models.preprocessing import GREY_PREPROCESSING
from core.models.safe_loading import check_sizes
from core.system import workspace
from tests.builders import LIGHT_ENCODER


def saved(folder: Path, architecture: str = "Linknet", encoder: str = LIGHT_ENCODER, **settings: Any) -> Path:
    torch.manual_seed(0)
    smp.create_model(architecture, encoder, encoder_weights=None, **settings).save_pretrained(folder)
    return folder


def answers(network: nn.Module, channels: int = 3) -> torch.Tensor:
    picture = torch.rand(1, 1, 64, 96, generator=torch.Generator().manual_seed(1)).expand(1, channels, 64, 96)
    with torch.inference_mode():
        given = network.eval()(picture)
    return given[0] if isinstance(given, tuple) else given


@pytest.mark.parametrize("activation", ["sigmoid", "identity", None])
def test_probabilities_are_those_of_the_model_with_its_activation(tmp_path: Path, activation: str) -> None:
    source = saved(tmp_path / "elsewhere", activation=activation)
    logits = answers(load_model(import_folder(source, "one"))[0])
    theirs = answers(smp.from_pretrained(str(source)))
    assert torch.allclose(logits.sigmoid() if activation == "sigmoid" else logits, theirs, atol=1e-6)
    assert torch.equal(logits, answers(load_model(source)[0]))  # not imported, the same


def test_several_classes_after_a_softmax_are_one_class_a_pixel(tmp_path: Path) -> None:
    source = saved(tmp_path / "elsewhere", classes=3, activation="softmax2d")
    network, card = load_model(import_folder(source, "one"))
    assert card.task.kind == "multiclass"
    assert torch.allclose(answers(network).softmax(1), answers(smp.from_pretrained(str(source))), atol=1e-6)


def test_what_a_sigmoid_after_several_classes_means_is_asked(tmp_path: Path) -> None:
    source = saved(tmp_path / "elsewhere", classes=3, activation="sigmoid")
    for opened in (lambda: import_folder(source, "one"), lambda: load_model(source)):
        with pytest.raises(UserError, match="choose which it is"):
            opened()
    assert read_card(import_folder(source, "one", "multiclass")).task.kind == "multiclass"
    card = read_card(import_folder(source, "two", "multilabel"))
    assert (card.task.kind, card.task.outputs) == ("multilabel", 3)


def test_a_classification_head_is_dropped(tmp_path: Path) -> None:
    source = saved(tmp_path / "elsewhere", aux_params={"classes": 4, "activation": "sigmoid"})
    folder = import_folder(source, "one")
    theirs = answers(smp.from_pretrained(str(source)))
    for network in (load_model(folder)[0], load_model(source)[0]):
        assert torch.equal(answers(network), theirs)
    assert not any(name.startswith("classification") for name in load_file(folder / "model.safetensors"))


def test_weights_of_a_head_that_was_not_asked_for_are_still_refused(tmp_path: Path) -> None:
    source = saved(tmp_path / "elsewhere")
    file = source / "model.safetensors"
    save_file(load_file(file) | {"classification_head.3.bias": torch.zeros(2)}, file)
    with pytest.raises(UserError, match="cannot be opened"):
        import_folder(source, "one")


@pytest.mark.parametrize(
    "settings", [{"activation": "sigmoid"}, {"aux_params": {"classes": 2}}, {"in_channels": 1}]
)
def test_smp_opens_the_imported_folder_as_its_readme_says(tmp_path: Path, settings: dict[str, Any]) -> None:
    folder = import_folder(saved(tmp_path / "elsewhere", **settings), "one")
    assert "Output: logits" in (folder / "README.md").read_text("utf-8")
    assert torch.equal(answers(smp.from_pretrained(str(folder))), answers(load_model(folder)[0]))


@pytest.mark.parametrize("encoder", [LIGHT_ENCODER, "timm-regnetx_002"])
def test_a_greyscale_model_gives_on_rgb_what_it_gave_on_grey(tmp_path: Path, encoder: str) -> None:
    source = saved(tmp_path / "elsewhere", encoder=encoder, in_channels=1)
    with pytest.raises(UserError, match="import it"):
        load_model(source)
    network, card = load_model(import_folder(source, "one"))
    assert torch.allclose(answers(network), answers(smp.from_pretrained(str(source)), 1), atol=1e-4)
    assert card.preprocessing == GREY_PREPROCESSING
    assert Predictor.of(network, card)(np.zeros((40, 70, 3), np.uint8)).shape == (40, 70)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"in_channels": 4}, "4 channels"),
        ({"activation": "tanh"}, "activation"),
        ({"upsampling": 2}, "gives 1x1x64x80"),
        ({"upsampling": 4096}, "gives 1x1x131072x163840"),
    ],
)
def test_what_cannot_be_used_is_refused_by_a_sentence(
    tmp_path: Path, change: dict[str, Any], sentence: str
) -> None:
    source = saved(tmp_path / "elsewhere", "FPN", upsampling=4)
    config = json.loads((source / "config.json").read_text())
    (source / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(UserError, match=sentence) as refused:
        import_folder(source, "one")
    assert "\n" not in str(refused.value) and ".part" not in str(refused.value)
    assert list(workspace.models().iterdir()) == []


def test_a_network_of_one_size_and_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    fixed = saved(tmp_path / "fixed", "DPT", "tu-vit_tiny_patch16_224", dynamic_img_size=False)
    with pytest.raises(UserError, match="cannot be run on a picture of 160x128"):
        import_folder(fixed, "one")
    source = saved(tmp_path / "elsewhere")
    file = source / "model.safetensors"
    weights = load_file(file)
    weights["segmentation_head.0.bias"] = torch.full_like(weights["segmentation_head.0.bias"], float("nan"))
    save_file(weights, file)
    with pytest.raises(UserError, match="not numbers"):
        import_folder(source, "one")


@pytest.mark.parametrize("encoder", ["mit_b0", "tu-efficientnet_lite0"])
def test_a_network_larger_than_its_file_is_refused_before_it_is_built(tmp_path: Path, encoder: str) -> None:
    """Also with an encoder that computes while it is built, and where the idle stages cannot be found."""
    save_file({"one": torch.zeros(1)}, tmp_path / WEIGHTS_FILE)
    settings = {"encoder_name": encoder, "encoder_weights": None, "decoder_channels": [4096] * 5}
    with pytest.raises(UserError, match="lacks"):
        check_sizes("Unet", settings, tmp_path)
