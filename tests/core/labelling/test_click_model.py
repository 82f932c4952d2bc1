from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import UserError
from core.labelling.click_model import ClickNet, discs, likeness_maps, load_click_model, started_from
from core.labelling.prompts import Click
from core.models.factory import load_model
from core.system.workspace import SHIPPED_MODELS

PERSON = SHIPPED_MODELS / "person-lite0"


def test_a_network_starts_from_the_decoder_of_a_model_of_photos() -> None:
    network = started_from(PERSON).eval()
    person, card = load_model(PERSON)
    photos = torch.randint(0, 256, (1, 3, 96, 64), dtype=torch.uint8)
    seen: list[torch.Tensor] = []
    person.get_submodule("decoder.blocks.3").register_forward_hook(lambda _, __, found: seen.append(found))
    network.decoder.register_forward_hook(lambda _, __, found: seen.append(found))
    with torch.inference_mode():
        person(card.preprocessing.normalise(photos))
        logits = network.decode(network.encode(photos), [[Click(20, 20)]], torch.zeros(1, 1, 96, 64))
    assert logits.shape == (1, 1, 96, 64)
    assert torch.allclose(seen[0], seen[1], atol=1e-4)


def test_likeness_is_1_where_features_are_those_of_a_click_and_0_where_nothing_is_marked() -> None:
    features = torch.zeros(1, 2, 2, 2)
    features[0, 0, 0], features[0, 1, 1] = 1, 1  # upper row one direction, lower row the other
    maps = torch.zeros(1, 5, 2, 2)
    maps[0, 0, 0, 0] = 1
    found = likeness_maps(features, maps)
    assert found[0, 0].tolist() == [[1, 1], [0, 0]]
    assert not found[0, 1:].any()
    maps[0, 2, 1] = 1  # the lower row was object before
    found = likeness_maps(features, maps)
    assert found[0, 2].tolist() == [[0, 0], [1, 1]] and found[0, 3].tolist() == [[1, 1], [0, 0]]


def test_discs_lie_on_their_clicks_and_tell_positive_from_negative() -> None:
    maps = discs([Click(10.5, 20.5), Click(30.5, 5.5, positive=False)], (40, 48))
    assert maps.shape == (2, 40, 48)
    for one, (row, column) in zip(maps, ((20, 10), (5, 30)), strict=True):
        rows, columns = np.nonzero(one)
        assert rows.mean() == row and columns.mean() == column and 60 < len(rows) < 100


def test_a_model_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    torch.manual_seed(0)
    network = ClickNet().eval()
    save_file(network.state_dict(), tmp_path / "model.safetensors")
    photos = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8)
    answers = []
    for each in (network, load_click_model(tmp_path)):
        with torch.inference_mode():
            answers.append(each.decode(each.encode(photos), [[Click(9, 9)]], torch.zeros(1, 1, 64, 64)))
    assert torch.allclose(answers[0], answers[1], atol=1e-5)


def test_a_missing_and_a_damaged_model_are_refused_with_their_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no click model"):
        load_click_model(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(UserError, match=str(tmp_path)):
        load_click_model(tmp_path)
