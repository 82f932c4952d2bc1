"""All encoders compared: cost, ImageNet accuracy and speed on this machine."""

import csv
import functools
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from core.errors import UserError
from core.models.encoder_catalogue import IMAGENET_FILE, TIMM_FILE, all_encoders, facts
from core.policy.permissions import needs
from core.system import workspace
from core.system.workspace import read_json, write_json

SECONDS = 180
HERE, KEPT, HUB, NOWHERE = "included", "downloaded", "on the hub", "none"


@dataclass(frozen=True, slots=True)
class Shortlist:
    """`names` in order of preference, and the reason for them."""

    names: tuple[str, ...]
    reason: str


SHORTLISTS: dict[str, Shortlist] = {
    "For a CPU": Shortlist(
        ("timm-tf_efficientnet_lite0", "tu-efficientvit_b0", "tu-mobilenetv4_conv_small", "mit_b0",
         "tu-regnety_004", "tu-mobilenetv3_large_100", "tu-edgenext_x_small"),
        "Few multiplications, in operations with fast CPU kernels. Below about 2.5 GMACs, a training of "
        "some minutes on two cores is worthwhile.",
    ),
    "For few photos": Shortlist(
        ("timm-tf_efficientnet_lite0", "resnet18", "resnet34", "tu-convnext_atto", "efficientnet-b0",
         "densenet121"),
        "With fifty to a few hundred photos, pretrained weights matter more than size, and small networks "
        "overfit later.",
    ),
    "For a GPU": Shortlist(
        ("efficientnet-b3", "resnet50", "tu-convnext_tiny", "tu-tf_efficientnetv2_s", "mit_b2",
         "tu-resnet50d", "se_resnext50_32x4d"),
        "Ten to thirty million parameters: more accurate with thousands of photos, at little cost on a GPU.",
    ),
}  # fmt: skip


def encoder_table(every: bool = False) -> pd.DataFrame:
    """One row for each encoder; `every` adds all of timm's to those that are measured.

    Columns: encoder, family, parameters (millions, of the encoder), gmacs (a U-Net with it, one image of
    256x192), top1 (ImageNet accuracy, per cent), pace (training speed as a multiple of the default's, as
    measured for the project) and here (images a second as measured on this machine). NaN: not known.
    """
    known, counted, top1, here = facts(), timm_counts(), imagenet_top1(), speeds()
    names = [*all_encoders(), *(n for n in known if n.startswith("tu-"))]
    if every:
        names += [name for name in counted if name not in known]
    default = known[all_encoders()[0]].images_per_second if known else float("nan")
    rows = []
    for name in dict.fromkeys(names):
        fact, count = known.get(name), counted.get(name)
        works = fact is not None and fact.works == "yes"
        if not works and count is None:
            continue
        rows.append({
            "encoder": name,
            "family": "timm" if name.startswith("tu-") else "smp",
            "parameters": (fact.encoder_parameters if fact and works else count[0] if count else 0) / 1e6,
            "gmacs": fact.gmacs if fact and works else count[1] if count else float("nan"),
            "top1": top1.get(name, float("nan")),
            "pace": fact.images_per_second / default if fact and works else float("nan"),
            "here": here.get(name, float("nan")),
        })  # fmt: skip
    return pd.DataFrame(rows)


def weights_state(encoder: str) -> str:
    """Where its ImageNet weights are: HERE, KEPT, HUB or NOWHERE."""
    from core.models import pretrained

    if pretrained.local_package(encoder):
        return HERE
    if pretrained.hub_files(encoder) is None:
        return NOWHERE
    return KEPT if pretrained.is_cached(encoder) else HUB


@functools.cache
def imagenet_top1() -> dict[str, float]:
    """ImageNet accuracy in per cent, of the weights that training starts from. Source: timm's
    results/results-imagenet.csv (https://github.com/huggingface/pytorch-image-models) and torchvision's
    own figures for the weights that are theirs; each row of the file says which."""
    with open(IMAGENET_FILE, encoding="utf-8", newline="") as file:
        return {row["encoder"]: float(row["top1"]) for row in csv.DictReader(file)}


@functools.cache
def timm_counts() -> dict[str, tuple[int, float]]:
    """Parameters and GMACs by encoder, as benchmarks/timm_encoders.py counts them."""
    if not TIMM_FILE.is_file():
        return {}
    with open(TIMM_FILE, encoding="utf-8", newline="") as file:
        return {r["encoder"]: (int(r["encoder_parameters"]), float(r["gmacs"])) for r in csv.DictReader(file)}


def speeds() -> dict[str, float]:
    """Images a second in training as measured on this machine, by encoder."""
    try:
        kept = read_json(_speeds_file())
        return {str(name): float(value) for name, value in kept.items()}
    except (UserError, TypeError, ValueError):
        return {}


@needs("train")
def measure_here(encoder: str) -> float:
    """Train a U-Net with it on noise for some seconds, in a process of its own, and store the result.

    Returns images per second at 256x192. Raises UserError if it cannot be trained here.
    """
    command = [sys.executable, "-m", "core.training.encoder_benchmark", encoder]
    try:
        done = subprocess.run(
            command, cwd=workspace.PROJECT, capture_output=True, text=True, timeout=SECONDS, check=False,
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise UserError(
            f"{encoder} took longer than {SECONDS} s: it is too slow for this machine."
        ) from error
    if done.returncode < 0:
        raise UserError(f"{encoder} crashes the process here ({signal.Signals(-done.returncode).name}).")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1]) if done.stdout.strip() else {}
    if found.get("works") != "yes":
        raise UserError(f"{encoder} cannot be trained here: {found.get('works', 'no reason given')}")
    write_json(_speeds_file(), {**speeds(), encoder: found["images_per_second"]})
    return float(found["images_per_second"])


def _speeds_file() -> Path:
    return workspace.cache() / "encoder_speeds.json"
