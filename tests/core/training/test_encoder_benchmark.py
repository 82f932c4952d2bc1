"""A representative dozen of encoders takes a training step."""

import json
import subprocess
import sys
import time

import pytest
import torch

from core.system.workspace import PROJECT
from core.training.encoder_benchmark import Watch

DOZEN = (
    "timm-tf_efficientnet_lite0", "resnet18", "efficientnet-b0", "mobilenet_v2", "mit_b0", "densenet121",
    "vgg11_bn", "timm-skresnet18", "xception", "tu-convnext_atto", "tu-mobilenetv4_conv_small", "dpn68",
)  # fmt: skip
UNKNOWN = ("there_is_no_such_encoder", "tu-there_is_no_such")
LAST = "mobileone_s0"  # ended the process in channels last, so nothing comes after it


@pytest.fixture(scope="module")
def measured() -> dict[str, dict]:
    """What one process prints of each; nothing of an encoder that ended it."""
    names = (*DOZEN, *UNKNOWN, LAST)
    command = [sys.executable, "-m", "core.training.encoder_benchmark", *names, "--height=64", "--width=64"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=280, check=False)
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [row["encoder"] for row in rows[:-1]] == list(names[:-1]), done.stderr[-2000:]
    return {row["encoder"]: row for row in rows}


def test_beside_other_work_the_processor_time_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    now, used = time.perf_counter(), time.process_time()
    assert Watch(now - 10, used - 4).seconds("cpu") == pytest.approx(2, abs=0.5)
    assert Watch(now - 3, used - 8).seconds("cpu") == pytest.approx(3, abs=0.5)
    assert Watch(now - 10, used - 4).seconds("cuda") == pytest.approx(10, abs=0.5)


def test_a_dozen_encoders_take_a_training_step(measured: dict[str, dict]) -> None:
    found = [measured[name] for name in DOZEN]
    assert [(row["encoder"], row["works"]) for row in found] == [(name, "yes") for name in DOZEN]
    assert all(row["images_per_second"] > 0 and row["gmacs"] > 0 for row in found)
    assert all(row["parameters"] > row["encoder_parameters"] > 0 for row in found)


def test_mobileone_which_ends_the_process_in_channels_last_is_run_without(measured: dict[str, dict]) -> None:
    assert measured[LAST]["works"] == "yes"


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_unknown_encoder_is_a_line_that_says_so(measured: dict[str, dict], name: str) -> None:
    works = measured[name]["works"]
    assert works != "yes" and name.removeprefix("tu-") in works
