"""Preprocessing of networks from elsewhere: pixel by pixel as their own programs have it."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from core.errors import UserError
from core.models.onnx_check import OnnxInfo
from core.models.onnx_families import FAMILIES, family_of, guessed
from core.models.onnx_spec import OnnxSpec
from core.task import Task
from tests.builders import THREE

PHOTO = np.random.default_rng(0).integers(0, 200, (90, 140, 3), np.uint8)
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
REMBG = {  # file, side, mean, std, as in rembg's sessions
    "u2net": (320, *IMAGENET),
    "u2netp": (320, *IMAGENET),
    "u2net_human_seg": (320, *IMAGENET),
    "silueta": (320, *IMAGENET),
    "isnet-general-use": (1024, (0.5, 0.5, 0.5), (1.0, 1.0, 1.0)),
    "isnet-anime": (1024, (0.485, 0.456, 0.406), (1.0, 1.0, 1.0)),
    "bria-rmbg": (1024, (0.5, 0.5, 0.5), (1.0, 1.0, 1.0)),
    "birefnet-general-lite": (1024, *IMAGENET),
}


def of_rembg(side: int, mean: tuple[float, ...], std: tuple[float, ...]) -> NDArray[np.float32]:
    """rembg's BaseSession.normalize, line by line."""
    small = np.array(Image.fromarray(PHOTO).resize((side, side), Image.Resampling.LANCZOS))
    values = small / max(np.max(small), 1e-6)
    return ((values - mean) / std).transpose(2, 0, 1)[None].astype(np.float32)


def spec_of(name: str) -> OnnxSpec:
    family = family_of(f"{name}.onnx")
    assert family is not None
    return family.spec


def tensor_of(spec: OnnxSpec) -> NDArray[np.float32]:
    return spec.tensor(spec.fitted(PHOTO)[0][None])


@pytest.mark.parametrize("name", REMBG)
def test_rembgs_models_see_what_rembg_shows_them(name: str) -> None:
    assert np.allclose(tensor_of(spec_of(name)), of_rembg(*REMBG[name]), atol=1e-5)


def test_modnet_sees_minus_one_to_one_in_the_photos_shape() -> None:
    seen = tensor_of(spec_of("modnet_photographic_portrait_matting"))
    assert seen.shape == (1, 3, 512, 512)  # fixed; free sizes are in the next test
    inner = spec_of("modnet").fitted(PHOTO)[1]
    assert inner == (329, 512) and -1 <= seen.min() < seen.max() <= 1


def test_a_network_of_free_size_keeps_the_shape_at_multiples_of_32() -> None:
    info = OnnxInfo("input", (0, 3, 0, 0), (("output", (0, 1, 0, 0)),))
    spec = guessed(info, "modnet.onnx").spec
    assert spec.are_free and spec.fitted(PHOTO)[0].shape == (352, 512, 3)
    assert spec.fitted(PHOTO, 256)[1] == (165, 256)


def test_mediapipe_sees_zero_to_one_with_channels_where_it_has_them() -> None:
    info = OnnxInfo("input_1", (1, 256, 256, 3), (("activation_10", (1, 256, 256, 1)),))
    found = guessed(info, "selfie_segmentation.onnx")
    seen = found.spec.tensor(found.spec.fitted(PHOTO)[0][None])
    small = np.asarray(Image.fromarray(PHOTO).resize((256, 256), Image.Resampling.LANCZOS))
    assert found.is_known and seen.shape == (1, 256, 256, 3)
    assert np.allclose(seen[0], small / np.float32(255), atol=1e-6)


def test_u2net_is_known_by_its_seven_maps_whatever_its_name() -> None:
    outputs = tuple((str(i), (1, 1, 320, 320)) for i in range(7))
    found = guessed(OnnxInfo("input.1", (1, 3, 320, 320), outputs), "my-model.onnx")
    assert found.is_known and found.spec.family == "U2-Net"
    assert not guessed(OnnxInfo("x", (1, 3, 320, 320), outputs[:1]), "my-model.onnx").is_known


def test_every_family_is_found_by_one_name_only_once() -> None:
    for name in (*REMBG, "modnet", "RMBG-2.0", "selfie_segmenter_landscape"):
        fitting = [family for family in FAMILIES if family is family_of(f"{name}.ONNX")]
        assert len(fitting) == 1, name
    assert family_of("u2net_cloth_seg.onnx") is None  # three classes of clothes, not one subject


def test_the_order_of_colours_and_the_range_are_the_specs() -> None:
    spec = OnnxSpec(height=32, width=64, scaling="none", mean=(1, 2, 3), std=(1, 1, 2), order="BGR")
    fitted, inner = spec.fitted(PHOTO)
    assert inner == (32, 64)
    expected = ((fitted - np.array([1, 2, 3])) / np.array([1, 1, 2]))[..., ::-1].transpose(2, 0, 1)
    assert np.allclose(spec.tensor(fitted[None])[0], expected)


@pytest.mark.parametrize("meaning", ["probability", "logits", "range"])
def test_outputs_become_logits_of_the_foreground(meaning: str) -> None:
    truth = np.linspace(0.01, 0.99, 64, dtype=np.float32).reshape(1, 1, 8, 8)
    given = {"probability": truth, "logits": np.log(truth / (1 - truth)), "range": truth * 7 - 3}[meaning]
    logits = OnnxSpec(meaning=meaning).logits(given, Task(), (8, 8))
    found = 1 / (1 + np.exp(-logits))
    expected = (truth - 0.01) / 0.98 if meaning == "range" else truth
    assert logits.shape == (1, 1, 8, 8) and np.allclose(found, expected, atol=1e-4)


def test_one_channel_of_several_and_classes_are_read_as_the_spec_says() -> None:
    scores = np.random.default_rng(0).normal(0, 2, (1, 4, 4, 3)).astype(np.float32)
    spec = OnnxSpec(meaning="logits", channels_last=True, channel=1)
    shares = np.exp(scores) / np.exp(scores).sum(axis=3, keepdims=True)
    found = spec.logits(scores, Task(), (4, 4))
    assert np.allclose(1 / (1 + np.exp(-found[0, 0])), shares[0, ..., 1], atol=1e-5)
    assert np.array_equal(spec.logits(scores, THREE, (4, 4))[0], scores[0].transpose(2, 0, 1))
    assert spec.logits(scores, THREE, (8, 8)).shape == (1, 3, 8, 8)


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("part", [1, 2])
@pytest.mark.parametrize("takes_last", [False, True])
def test_channels_may_come_out_where_they_did_not_go_in(takes_last: bool, part: int, channels: int) -> None:
    """tf2onnx has an option for each, and PyTorch exports with a transposed input have no other way out."""
    maps = np.random.default_rng(0).random((1, channels, 64 // part, 96 // part)).astype(np.float32)
    spec = OnnxSpec(channels_last=takes_last, channel=channels - 1)
    expected, found = (spec.logits(each, Task(), (64, 96)) for each in (maps, maps.transpose(0, 2, 3, 1)))
    assert np.array_equal(found, expected) and np.ptp(expected) > 1


@pytest.mark.parametrize("takes_last", [False, True])
@pytest.mark.parametrize("shape", [(1, 2, 64, 96), (1, 64, 96, 2), (0, 2, 0, 0), (0, 0, 0, 2)])
def test_of_several_channels_the_second_is_suggested_and_the_first_is_the_background(
    shape: tuple[int, ...], takes_last: bool
) -> None:
    seen = (1, 64, 96, 3) if takes_last else (1, 3, 64, 96)
    found = guessed(OnnxInfo("in", seen, (("out", shape),)), "strange.onnx")
    assert (found.channels_of(0), found.spec.channel) == (2, 1)
    one = guessed(OnnxInfo("in", seen, (("out", tuple(1 if n == 2 else n for n in shape)),)), "strange.onnx")
    assert (one.channels_of(0), one.spec.channel) == (1, 0)


def test_one_number_for_the_photo_is_no_map() -> None:
    with pytest.raises(UserError, match="Output 1 gives 1x2x1x1: a map for the foreground is needed"):
        OnnxSpec("", 64, 64).logits(np.zeros((1, 2, 1, 1), np.float32), Task(), (64, 64))


@pytest.mark.parametrize("shape", [(1,), (1, 5), (1, 0, 4, 4), (1, 1, 4, 4)])
def test_what_is_no_map_for_each_class_is_named(shape: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match="a map for each class is needed"):
        OnnxSpec().logits(np.zeros(shape, np.float32), THREE, (4, 4))


def test_a_spec_that_cannot_be_is_refused() -> None:
    for wrong in ({"std": (1, 0, 1)}, {"height": 5000}, {"meaning": "anything"}):
        with pytest.raises(UserError):
            OnnxSpec.from_dict({**OnnxSpec().to_dict(), **wrong})
    spec = OnnxSpec(mean=(0.1, 0.2, 0.3), fit="pad")
    assert OnnxSpec.from_dict(spec.to_dict()) == spec


def test_an_export_of_this_project_brings_its_preprocessing(tmp_path: Path) -> None:
    metadata = {
        "long_side": "384", "size": "null", "mean": "[0.5, 0.5, 0.5]", "std": "[0.5, 0.5, 0.5]",
        "classes": '["sky", "road"]', "task": '"multiclass"', "threshold": "0.5",
    }  # fmt: skip
    found = guessed(OnnxInfo("images", (0, 3, 0, 0), (("logits", (0, 2, 0, 0)),), metadata), "model.onnx")
    assert found.is_known and found.task.classes == ("sky", "road")
    assert found.spec == OnnxSpec(
        "", 384, 384, True, "pad", mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), meaning="logits"
    )
