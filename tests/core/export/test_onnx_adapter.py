"""Networks of others as exports: the same probabilities, whatever surrounds them."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from core.data.photos import read_photo
from core.data.samples import sample_bytes
from core.errors import UserError
from core.export.file_metadata import INPUT, OUTPUT
from core.export.onnx_adapter import is_fixed, write_adapted
from core.models.card import ModelCard
from core.models.onnx_spec import OnnxSpec
from core.task import Task
from tests.builders import THREE
from tests.core.models.onnx_networks import write_network

IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
PHOTO = read_photo(sample_bytes("Drawn people"), max_side=300)


def convolution(
    channels: int, last: bool = False, half: bool = False, back: bool = True
) -> tuple[list[Any], list[Any]]:
    """Nodes and weights of a network of random weights: half the size where `half`, channels last in where
    `last`, and out too where `back`."""
    values = np.random.default_rng(1).normal(0, 0.6, (channels, 3, 3, 3)).astype(np.float32)
    convolve = helper.make_node(
        "Conv", ["first" if last else "picture", "weights"], ["found" if last and back else "map"],
        pads=[1, 1, 1, 1], strides=[2, 2] if half else [1, 1],
    )  # fmt: skip
    nodes = [convolve]
    if last:
        nodes = [helper.make_node("Transpose", ["picture"], ["first"], perm=[0, 3, 1, 2]), convolve]
        if back:
            nodes += [helper.make_node("Transpose", ["found"], ["map"], perm=[0, 2, 3, 1])]
    return nodes, [numpy_helper.from_array(values, "weights")]


def squeezed() -> list[Any]:
    """A sigmoid without its axis of channels."""
    return [
        helper.make_node("Conv", ["picture", "red"], ["sum"]),
        helper.make_node("Sigmoid", ["sum"], ["all"]),
        helper.make_node("ReduceMax", ["all"], ["map"], axes=[1], keepdims=0),
    ]


CASES: dict[str, tuple[OnnxSpec, Task, dict[str, Any]]] = {
    "U2-Net": (
        OnnxSpec("U2-Net", 96, 96, scaling="max", meaning="range", **IMAGENET), Task(),
        {"parts": convolution(1), "shape": (1, 3, 96, 96)},
    ),
    "free sizes at half the size": (
        OnnxSpec("", 128, 128, True, "pad", mean=(0.5,) * 3, std=(0.5,) * 3, meaning="logits"), Task(),
        {"parts": convolution(1, half=True), "shape": (1, 3, "height", "width")},
    ),
    "channels last, 0 to 255, BGR, two classes": (
        OnnxSpec("", 64, 96, fit="pad", scaling="none", mean=(1, 2, 3), std=(40, 50, 60), order="BGR",
                 channels_last=True, channel=1, meaning="logits"), Task(),
        {"parts": convolution(2, last=True), "shape": (1, 64, 96, 3)},
    ),
    "channels last in, first out": (
        OnnxSpec("", 64, 96, channels_last=True, channel=1, meaning="logits"), Task(),
        {"parts": convolution(2, last=True, back=False), "shape": (1, 64, 96, 3)},
    ),
    "classes": (
        OnnxSpec("", 64, 64, meaning="logits"), THREE, {"parts": convolution(3), "shape": (1, 3, 64, 64)},
    ),
    "a map without channels": (
        OnnxSpec("", 64, 64), Task(), {"parts": (squeezed(), []), "shape": (1, 3, 64, 64)},
    ),
}  # fmt: skip


def adapted(tmp_path: Path, case: str, version: int) -> tuple[Path, Path, ModelCard]:
    spec, task, made = CASES[case]
    nodes, weights = made["parts"]
    source = write_network(tmp_path / "theirs.onnx", made["shape"], nodes, weights, version=version)
    card = ModelCard("Theirs", "", "", "", task=task, onnx=spec)
    write_adapted(source, card, tmp_path / "ours.onnx")
    return source, tmp_path / "ours.onnx", card


@pytest.mark.parametrize("version", [11, 17])
@pytest.mark.parametrize("case", CASES)
def test_it_gives_the_probabilities_of_the_network_and_its_spec(
    case: str, version: int, tmp_path: Path
) -> None:
    source, file, card = adapted(tmp_path, case, version)
    spec = card.onnx
    assert spec is not None
    fitted, _ = spec.fitted(PHOTO)
    theirs, ours = (onnxruntime.InferenceSession(str(path)) for path in (source, file))
    given = theirs.run(None, {"picture": spec.tensor(fitted[None])})[0]
    expected = spec.logits(given, card.task, (fitted.shape[0], fitted.shape[1]))
    (found,) = ours.run([OUTPUT], {INPUT: fitted[None].transpose(0, 3, 1, 2) / np.float32(255)})
    assert found.shape == expected.shape and np.ptp(expected) > 0.5
    assert np.abs(np.tanh(found / 2) - np.tanh(expected / 2)).max() < 1e-3
    assert is_fixed(card) == (case != "free sizes at half the size")


def test_names_that_exports_use_may_be_theirs_too(tmp_path: Path) -> None:
    node = helper.make_node("Conv", ["picture", "red"], ["logits"])
    source = write_network(tmp_path / "theirs.onnx", nodes=[node], outputs=("logits",))
    card = ModelCard("Theirs", "", "", "", onnx=OnnxSpec("", 64, 64, meaning="logits"))
    write_adapted(source, card, tmp_path / "ours.onnx")
    (input_of,) = onnxruntime.InferenceSession(str(tmp_path / "ours.onnx")).get_inputs()
    assert (input_of.name, input_of.shape) == (INPUT, [1, 3, 64, 64])


def test_what_cannot_be_done_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    card = ModelCard("Theirs", "", "", "", onnx=OnnxSpec("", 64, 64))
    old = write_network(tmp_path / "old.onnx", version=9)
    with pytest.raises(UserError, match=r"^Theirs cannot run in browsers: .*at least 11 is needed\.$"):
        write_adapted(old, card, tmp_path / "ours.onnx")
    random = helper.make_node("RandomUniformLike", ["picture"], ["map"], dtype=TensorProto.FLOAT)
    chance = write_network(tmp_path / "chance.onnx", nodes=[random])
    with pytest.raises(UserError, match="probabilities would differ by"):
        write_adapted(chance, card, tmp_path / "ours.onnx")
    assert not (tmp_path / "ours.onnx").exists()
