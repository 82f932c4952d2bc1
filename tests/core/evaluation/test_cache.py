"""Evaluations agree with the pixels, are kept, and are made again where they are damaged."""

from pathlib import Path

import numpy as np
import pytest
import torch

from core.cutout_settings import CutOutSettings
from core.data.dataset import open_data
from core.errors import UserError
from core.evaluation import cache, metrics
from core.evaluation.cache import Evaluation, evaluate
from core.evaluation.candidates import of_entry
from core.inference.cutout import cut_out
from core.models import registry
from tests.builders import write_scenes
from tests.core.evaluation.evaluations import made


def test_an_evaluation_agrees_with_pixels_and_is_found_again(
    entry: registry.Entry, small_data: Path, found: Evaluation
) -> None:
    data = open_data(small_data)
    assert next(evaluate(of_entry(entry), data, "all")).folder == found.folder  # type: ignore[union-attr]
    predictor = of_entry(entry).make()
    for threshold in (0.5, 0.355):
        judged = found.judged(threshold).set_index("name")
        for pair in data.pairs[:3]:
            from core.data.store import read_pair

            photo, truth = read_pair(pair, data.encoding)
            inside = cut_out(photo, predictor, CutOutSettings(threshold)).mask > 0
            counts = metrics.count(torch.from_numpy(inside)[None], torch.from_numpy(truth)[None])
            assert judged.loc[pair.name, "dice"] == pytest.approx(counts.dice().item(), abs=0.003)
            assert judged.loc[pair.name, "foreground"] == pytest.approx(truth.mean())


def test_one_that_was_broken_off_goes_on_where_it_was(
    entry: registry.Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "CHUNK", 4)
    data = open_data(write_scenes(tmp_path / "many", 10))
    making = evaluate(of_entry(entry), data, "all")
    assert [next(making) for _ in range(6)] == [1, 2, 3, 4, 4, 5]
    making.close()  # type: ignore[attr-defined]
    steps = list(evaluate(of_entry(entry), data, "all"))
    assert steps[:2] == [4, 5]  # the first four are not predicted again
    whole = steps[-1]
    assert isinstance(whole, Evaluation) and len(whole.table) == len(whole.counts) == 10


@pytest.mark.parametrize("file", ["index.json", "table.parquet", "counts.npy", "histograms.npy"])
def test_what_is_damaged_is_made_anew(
    file: str, entry: registry.Entry, small_data: Path, found: Evaluation
) -> None:
    path = found.folder / file
    path.write_bytes(path.read_bytes()[:20])
    again = made(of_entry(entry), small_data, "all")
    assert np.array_equal(again.counts, found.counts)


def test_a_full_disk_is_one_sentence(
    entry: registry.Entry, small_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.evaluation.per_image.write_atomically", full)
    with pytest.raises(UserError, match="No space left"):
        made(of_entry(entry), small_data)


def test_two_that_ask_at_once_wait_for_one(entry: registry.Entry, small_data: Path) -> None:
    data = open_data(small_data)
    first, second = evaluate(of_entry(entry), data), evaluate(of_entry(entry), data)
    next(first)
    assert isinstance(next(second), int)  # it waits
    assert isinstance(list(first)[-1], Evaluation)
    assert isinstance(list(second)[-1], Evaluation)
