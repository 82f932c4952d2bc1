"""Predictions at the photo's own size."""

from pathlib import Path

import numpy as np
import pytest
import torch

from core.data.photos import read_photo
from core.data.samples import sample_bytes
from core.errors import UserError
from core.inference.networks import TorchNetwork
from core.inference.predictor import Predictor
from core.models import registry
from core.models.factory import load_model
from core.system.device import multiplies_bf16
from core.system.workspace import SHIPPED_MODELS
from tests.builders import in_fp32


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
    in_fp32(predictor)
    assert np.allclose(predictor(photo), expected, atol=1e-5)


def test_bf16_changes_probabilities_by_some_thousandths() -> None:
    if not multiplies_bf16("cpu"):
        pytest.skip("this processor does not multiply bf16, and prediction is in fp32")
    photo = read_photo(sample_bytes("Astronaut"), max_side=384)
    predictor = Predictor(SHIPPED_MODELS / "person-lite0", "cpu")
    short = predictor(photo)
    in_fp32(predictor)
    apart = np.abs(short - predictor(photo))
    # Single pixels on a steep edge may differ by more.
    assert 0 < np.quantile(apart, 0.999) < 0.1 and apart.mean() < 0.002


def test_a_gpu_that_is_full_takes_photos_one_by_one_and_then_says_so() -> None:
    predictor = Predictor(registry.list_models()[0].folder)
    network, most = predictor._network, 1
    assert isinstance(network, TorchNetwork)
    real = network.module

    def small_memory(images: torch.Tensor) -> torch.Tensor:
        if len(images) > most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return real(images)

    photo = predictor.prepare(np.zeros((64, 64, 3), np.uint8))
    network.module = small_memory  # type: ignore[assignment]
    assert len(predictor.forward([photo, photo, photo])) == 3
    most = 0
    with pytest.raises(UserError, match="more memory than is free on the GPU"):
        predictor.forward([photo, photo])
