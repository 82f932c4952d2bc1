"""Trainings whose photos are partly, or all, void."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data.masks import BinaryEncoding
from core.errors import UserError
from core.runs.events import EpochEnd, Finished
from tests.builders import tiny, trained, write_camera, write_scenes


def test_masks_of_background_and_void_hold_nothing_to_learn(tmp_path: Path) -> None:
    data = write_scenes(tmp_path / "set", 4)
    for path in (data / "masks").iterdir():
        values = np.zeros_like(np.asarray(Image.open(path)))
        values[::2] = 255
        Image.fromarray(values).save(path)
    rule = BinaryEncoding(1, 255, "0 is background, 1 is foreground, 255 is void")
    (data / "dataset.json").write_text(json.dumps({"mask_rule": rule.to_dict()}))
    with pytest.raises(UserError, match="nothing to learn"):
        trained(tiny(data), tmp_path / "run")


@pytest.mark.parametrize("loss", ["bce", "lovasz", "focal"])
def test_a_photo_of_void_alone_does_not_end_a_training_one_photo_at_a_time(tmp_path: Path, loss: str) -> None:
    data = write_camera(tmp_path / "camera", 6)
    for number in (1, 4):
        Image.fromarray(np.full((64, 64), 7, np.uint8)).save(data / "masks" / f"{number}.png")
    events = trained(
        tiny(data, task="multiclass", ignore_index=7, class_names="sky,road,car", epochs=1, width=64,
             batch_size=1, loss=loss), tmp_path / "run",
    )  # fmt: skip
    last = [event for event in events if isinstance(event, EpochEnd)][-1]
    assert last.train_loss and math.isfinite(last.train_loss) and math.isfinite(last.validation_loss)
    assert isinstance(events[-1], Finished) and events[-1].reason == "done"
