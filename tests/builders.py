"""Data sets, cards and short trainings that many tests build."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pytest
from PIL import Image

from core.config import TrainConfig, preset_config
from core.data import demo
from core.runs.events import Event
from core.settings import settings_of
from core.system.workspace import PROJECT
from core.task import Task

if TYPE_CHECKING:
    from core.inference.predictor import Predictor
    from core.models.card import ModelCard

PAGES = tuple(sorted(file.stem for file in (PROJECT / "pages").glob("[a-z]*.py")))

LIGHT_ENCODER = "timm-mobilenetv3_small_minimal_100"

THREE = Task("multiclass", ("sky", "road", "tree"), (0, 1, 2))
CAMERA = Task("multiclass", ("sky", "road", "car"), (0, 1, 2), 7)  # of write_camera

LOSSES = next(tuple(about.choices) for name, _, _, about in settings_of(TrainConfig) if name == "loss")
WHOLE_BATCH_LOSSES = tuple(loss for loss in LOSSES if loss != "lovasz")  # that ranks a micro-batch's pixels

E = TypeVar("E")


def in_fp32(predictor: "Predictor") -> None:
    """Make it multiply in single precision, as the network was saved, also where it would take bf16."""
    from core.inference.networks import TorchNetwork

    assert isinstance(predictor._network, TorchNetwork)
    predictor._network.in_bf16 = False


def write_scenes(folder: Path, count: int) -> Path:
    """Drawn scenes of 96x64 with exact masks of 0 and 255."""
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for i in range(count):
        photo, mask = demo.draw_scene(i, 96, 64)
        Image.fromarray(photo).save(folder / "images" / f"{i:02d}.jpg")
        Image.fromarray(mask * np.uint8(255)).save(folder / "masks" / f"{i:02d}.png")
    return folder


def write_camera(folder: Path, count: int = 8) -> Path:
    """Sky above, road below, a car between, and a void line: class indices 0, 1, 2 and 7."""
    rng = np.random.default_rng(0)
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for i in range(count):
        horizon, left = int(rng.integers(20, 40)), int(rng.integers(5, 35))
        mask = np.zeros((64, 64), np.uint8)
        mask[horizon:] = 1
        mask[horizon - 6 : horizon + 6, left : left + 20] = 2
        mask[horizon - 8] = 7
        colours = np.zeros((8, 3), np.uint8)
        colours[[0, 1, 2]] = (90, 140, 220), (90, 90, 90), (200, 40, 40)
        photo = np.clip(colours[mask] + rng.normal(0, 8, (64, 64, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(photo).save(folder / "images" / f"{i}.png")
        Image.fromarray(mask).save(folder / "masks" / f"{i}.png")
    return folder


def untrained_card() -> "ModelCard":
    from core.models.card import ModelCard

    return ModelCard("Test", "Unet", LIGHT_ENCODER, "random", long_side=96)


TINY: dict[str, object] = {
    "encoder": LIGHT_ENCODER, "encoder_weights": "none", "height": 64, "width": 32,
    "epochs": 2, "batch_size": 4, "precision": "fp32", "images_per_epoch": 0, "device": "cpu",
}  # fmt: skip


def tiny(data: Path, **changes: object) -> TrainConfig:
    """Settings of a training that takes about a second."""
    return preset_config("Balanced", data, **{**TINY, **changes})


def slim(data: Path, **changes: object) -> TrainConfig:
    """Settings of a training that takes less than half of that, with a U-Net of three stages."""
    return tiny(data, encoder_depth=3, **changes)


def trained(config: TrainConfig, folder: Path, stop_after: int = 10**9) -> list[Event]:
    """Train here and now, and return all events; `stop_after` counts the questions whether to stop."""
    from core.training.loop import fit

    folder.mkdir(exist_ok=True)
    steps = 0

    def should_stop() -> bool:
        nonlocal steps
        steps += 1
        return steps > stop_after

    return list(fit(config, folder, should_stop))


def of(kind: type[E], events: list[Event]) -> list[E]:
    """The events of one kind, in order."""
    return [event for event in events if isinstance(event, kind)]


def small_disk_at(place: Path, megabytes: int) -> Iterator[Path]:
    """A disk of this size, with a workspace on it, for a fixture; skips where none can be made."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can only be made by root")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEGMENTATION_STUDIO_WORKSPACE", str(place / "workspace"))
        yield place
    subprocess.run(["umount", "-l", str(place)], check=True)
