"""The origin of a run's results: versions, revision, data and hardware, beside its settings."""

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import torch

from core.data.store import Store
from core.errors import UserError
from core.runs.events import Note
from core.system.workspace import PROJECT, read_json, write_json
from core.training.trainer import Trainer

PROVENANCE_FILE = "provenance.json"
PACKAGES = (
    "torch", "torchvision", "segmentation-models-pytorch", "timm", "albumentations", "lightning-fabric",
    "numpy", "opencv-python-headless", "pillow", "safetensors",
)  # fmt: skip


def write_provenance(folder: Path, trainer: Trainer, stores: Mapping[str, Store]) -> Iterator[Note]:
    """Write provenance.json. Warns where a run is resumed with other versions or data."""
    now = provenance(trainer, stores)
    path = folder / PROVENANCE_FILE
    try:
        before = read_json(path) if path.is_file() else now
    except UserError:
        before = now
    for what in ("packages", "data"):
        if before.get(what) != now[what]:
            yield Note(f"The {what} changed since this run started: its curve may jump here.", "warning")
    earlier = before.get("sessions") or before.get("sittings", [])  # its name in older runs
    sessions = [*earlier, {"hardware": now["hardware"], "packages": now["packages"]}]
    write_json(path, {**now, "sessions": sessions})


def provenance(trainer: Trainer, stores: Mapping[str, Store]) -> dict[str, Any]:
    """The content of provenance.json."""
    return {
        "settings": trainer.config.to_dict(),
        "packages": {name: _version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "revision": git_revision(),
        "data": {
            split: {"images": len(store), "fingerprint": store.fingerprint} for split, store in stores.items()
        },
        "hardware": hardware(trainer),
    }


def git_revision() -> str:
    """The project's commit, with "+changes" where files differ from it; "" outside a repository."""
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty=+changes", "--exclude=*"],
            cwd=PROJECT, capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return found.stdout.strip()


def hardware(trainer: Trainer) -> dict[str, Any]:
    """The machine, as far as it explains the speed."""
    device = trainer.fabric.device
    described: dict[str, Any] = {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": platform.platform(),
        "processes": trainer.fabric.world_size,
        "device": str(device),
    }
    if device.type == "cuda":
        described |= {"gpu": torch.cuda.get_device_name(device), "cuda": torch.version.cuda}
    return described


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((x.split(":", 1)[1].strip() for x in lines if x.startswith("model name")), platform.machine())


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
