"""Training on patches, from the settings to the card of a model that predicts in windows."""

import shutil
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.data import store as store_module
from core.data.dataset import open_data
from core.data.reading import for_model
from core.data.store import Store, build_store
from core.errors import UserError
from core.evaluation import metrics
from core.evaluation.scoring import Scored, score_images
from core.inference.predictor import Predictor
from core.models.card import read_card
from core.models.window import Window
from core.runs.events import EpochEnd, Preview
from core.task import Task
from core.training import loading
from tests.builders import in_fp32, of, tiny, trained, write_camera, write_scenes

PATCHES: dict[str, object] = {"sampling": "patches", "height": 32, "width": 32, "epochs": 1, "ema_decay": 0.0}


@pytest.mark.parametrize("write", [write_scenes, write_camera])
def test_the_scores_of_the_last_epoch_are_those_of_the_saved_model(write: object, tmp_path: Path) -> None:
    data = write(tmp_path / "data", 10)  # type: ignore[operator]
    config = tiny(data, **PATCHES, task="auto" if write is write_scenes else "multiclass")
    events = trained(config, tmp_path / "run")
    card = read_card(tmp_path / "run" / "last")
    assert (card.window, card.long_side) == (Window(32, 32), 0)
    assert "in windows of 32 x 32 px at their own size" in card.scored_on
    predictor = Predictor(tmp_path / "run" / "last", "cpu")
    in_fp32(predictor)
    read = for_model(open_data(data), card.task)
    found = list(
        score_images(predictor, read.pairs_of("validation"), read.encoding, card.threshold, refine=False)
    )
    counts = metrics.join(one.counts for one in found if isinstance(one, Scored))
    assert metrics.summarise(counts, card.task).dice_mean == pytest.approx(
        of(EpochEnd, events)[-1].dice_mean, abs=1e-6
    )
    assert all((tmp_path / "run" / file).is_file() for file in of(Preview, events)[-1].files)


def test_an_epoch_takes_as_many_patches_as_cover_the_photos(small_data: Path) -> None:
    config = tiny(small_data, **PATCHES)
    data = open_data(small_data)
    store = next(s for s in build_store(data.pairs_of("train"), data.encoding, None) if isinstance(s, Store))
    batches = loading.training_batches(config, store, Task(), "cpu")
    assert len(batches) == 8 * 6 // 4  # eight photos of 96x64 in batches of 4
    fewer = replace(config, images_per_epoch=13)
    assert len(loading.training_batches(fewer, store, Task(), "cpu")) == 3


def test_patches_larger_than_the_photos_train(small_data: Path, tmp_path: Path) -> None:
    events = trained(tiny(small_data, **{**PATCHES, "height": 128, "width": 96}), tmp_path / "run")
    assert of(EpochEnd, events)[-1].train_loss is not None
    photo = np.zeros((96, 64, 3), np.uint8)
    assert Predictor(tmp_path / "run" / "last", "cpu").labels(photo).shape == (96, 64)


def test_photos_that_do_not_fit_on_the_disk_are_refused_before_they_are_decoded(
    small_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", ("total", "used", "free"))
    monkeypatch.setattr(store_module.shutil, "disk_usage", lambda folder: usage(1, 1, 8 * 96 * 64 * 4 - 1))
    monkeypatch.setattr(store_module, "_fill", shutil.rmtree)  # never called
    with pytest.raises(UserError, match="free some space or train on whole photos instead of patches"):
        trained(tiny(small_data, **PATCHES), tmp_path / "run")
