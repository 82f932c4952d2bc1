"""Too little memory makes smaller parts of a batch, or a sentence."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from core.errors import UserError
from core.runs.events import EpochEnd, Note
from core.system.workspace import PROJECT
from core.training import steps as steps_module
from core.training.memory import is_out_of_memory, keep_freed_memory
from tests.builders import of, slim, trained


def test_running_out_of_memory_halves_the_batch_and_goes_on(
    small_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, sizes = steps_module.take_step, []

    def greedy(trainer: Any, pictures: Any, labels: Any) -> Any:
        each = -(-len(pictures) // trainer.micro_batches)
        sizes.append(each)
        if each > 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return real(trainer, pictures, labels)

    monkeypatch.setattr(steps_module, "take_step", greedy)
    events = trained(slim(small_data, epochs=1), tmp_path / "run")
    warned = [n.text for n in of(Note, events) if "Memory" in n.text]
    assert len(warned) == 2 and "1 at a time" in warned[-1]
    assert sizes[:3] == [4, 2, 1] and of(EpochEnd, events)[-1].epoch == 1


def test_when_not_one_image_fits_it_is_said(
    small_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(trainer: Any, pictures: Any, labels: Any) -> Any:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 9 bytes")

    monkeypatch.setattr(steps_module, "take_step", never)
    with pytest.raises(UserError, match="smaller batch"):
        trained(slim(small_data, epochs=1), tmp_path / "run")
    assert not is_out_of_memory(RuntimeError("shape mismatch"))


def test_keeping_memory_does_no_harm() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from core.training.memory import keep_freed_memory as k; print(k())"],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == str(sys.platform == "linux")
    assert callable(keep_freed_memory)
