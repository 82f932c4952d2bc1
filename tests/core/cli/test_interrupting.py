"""Ctrl+C ends a training cleanly, by however many processes it is trained."""

import os
import signal
import time
from pathlib import Path

import pytest

from core.models.factory import load_model
from core.runs.history import History
from core.runs.run_folder import Run
from tests.builders import LIGHT_ENCODER
from tests.processes import Started


@pytest.mark.parametrize("devices", [1, 2])
def test_ctrl_c_stops_a_training_and_keeps_what_there_is(
    small_data: Path, tmp_path: Path, devices: int
) -> None:
    run = tmp_path / "run"
    command = (
        f"-m core train --data {small_data} --out {run} --devices {devices} --device cpu --epochs 9999 "
        f"--encoder {LIGHT_ENCODER} --encoder-weights none --height 64 --width 64 --batch-size 4 "
        "--loggers csv --precision fp32"
    ).split()
    process = Started(*command, environment={"OMP_NUM_THREADS": "1"}, first=os.setsid, folder=tmp_path)
    try:
        until = time.monotonic() + 240
        while not (run / "last").is_dir() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        assert process.wait(90) == 130
    finally:
        process.kill()
    said = (tmp_path / "errors").read_text()
    assert "Traceback" not in said and "torch.distributed" not in said
    assert Run(run).status().state == "stopped"
    assert History(Run(run)).refresh().epochs
    load_model(run / "last")
