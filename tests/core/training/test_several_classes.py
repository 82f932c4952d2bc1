"""Trainings of several classes and of several labels a pixel."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data.dataset import as_task, open_data
from core.models.factory import load_model
from core.runs.events import EpochEnd
from core.task import Task
from tests.builders import of, tiny, trained, write_camera


def test_several_classes_are_learnt_and_void_is_ignored(tmp_path: Path) -> None:
    data = write_camera(tmp_path / "camera", 16)
    config = tiny(
        data, task="multiclass", ignore_index=7, class_names="sky, road, car", epochs=10, width=64,
        encoder="timm-tf_efficientnet_lite0", encoder_weights="auto", learning_rate=3e-3, ema_decay=0.0,
        augmentation="none", class_weights="balanced",
    )  # fmt: skip
    events = trained(config, tmp_path / "run")
    last = of(EpochEnd, events)[-1]
    assert len(last.class_dice) == 3 and last.dice_pooled > 0.8 and last.pixel_accuracy > 0.9
    assert last.dice_pooled == pytest.approx(float(np.mean(last.class_dice)))
    card = load_model(tmp_path / "run" / "best")[1]
    assert card.task == Task("multiclass", ("sky", "road", "car"), (0, 1, 2), 7)


def test_several_labels_a_pixel_are_learnt(tmp_path: Path) -> None:
    data = write_camera(tmp_path / "camera", 12)
    for name, value in (("ground", (1, 2)), ("car", (2,))):
        (data / "masks" / name).mkdir()
        for path in sorted((data / "masks").glob("*.png")):
            inside = np.isin(np.asarray(Image.open(path)), value)
            if name == "ground" or path.stem != "0":  # a photo may lack a label's file
                Image.fromarray(inside.astype(np.uint8) * np.uint8(255)).save(
                    data / "masks" / name / path.name
                )
    for path in (data / "masks").glob("*.png"):
        path.unlink()
    opened = open_data(data)
    assert opened.encoding.task == Task("multilabel", ("car", "ground")) and not opened.problems
    config = tiny(
        data, epochs=12, width=64, encoder="timm-tf_efficientnet_lite0", encoder_weights="auto",
        learning_rate=3e-3, ema_decay=0.0, augmentation="none",
    )  # fmt: skip
    last = of(EpochEnd, trained(config, tmp_path / "run"))[-1]
    assert len(last.class_dice) == 2 and last.dice_pooled > 0.75


def test_camvid_opens_with_its_own_split(shared_data: Path) -> None:
    data = as_task(open_data(shared_data / "camvid"), "multiclass", 11)
    assert (len(data.pairs_of("train")), len(data.pairs_of("validation"))) == (62, 26)
    assert data.encoding.task.outputs == 11 and data.encoding.task.void == 11
