"""Images a second of real training: the tutorial's recipe, this project, and what the hardware allows.

    python benchmarks/training.py --data ../shared/data/people --tutorial ../shared/bench/article_recipe.py
    python benchmarks/training.py --encoder resnet34 --json

All three are measured in turn on the same photos, 256x192, each in a process of its own:

tutorial  the recipe as published, batch 64, its own loader (a smaller batch where memory is short)
ours      `fit` of this project with the Balanced preset, from the first to the last step of an epoch
ceiling   our step, fed the same batch again and again from memory: what no loader can beat

With --rounds N each is measured N times in turn, and the medians are given.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

ENCODERS = ("timm-tf_efficientnet_lite0", "resnet34", "efficientnet-b3")
SHORT = {"lite0": "timm-tf_efficientnet_lite0"}
HERE = Path(__file__).resolve()
PROJECT = HERE.parent.parent
SHARED = PROJECT.parent / "shared"
TUTORIAL_IMAGES = 128
STEPS = 24
WARM_UP = 4


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "people")
    parser.add_argument("--tutorial", type=Path, default=SHARED / "bench" / "article_recipe.py")
    parser.add_argument("--encoder", help=f"one only (default: {', '.join(ENCODERS)})")
    parser.add_argument("--batch-size", type=int, default=16, help="of ours and the ceiling (%(default)s)")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--compile", action="store_true", help="measure the ceiling with torch.compile too")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--part", choices=("ours", "ceiling", "compiled"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.part:
        rate = ours(args) if args.part == "ours" else ceiling(args, compiled=args.part == "compiled")
        print(json.dumps({"rate": rate}))
        return
    results = {name: measure(args, name) for name in ([args.encoder] if args.encoder else ENCODERS)}
    print(f"\n{'images/s':30} {'tutorial':>9} {'ours':>9} {'ceiling':>9} {'gain':>7} {'fed':>6}")
    for name, rates in results.items():
        gain, fed = rates["ours"] / rates["tutorial"], rates["ours"] / rates["ceiling"]
        numbers = " ".join(f"{rates[part]:9.2f}" for part in ("tutorial", "ours", "ceiling"))
        print(f"{name:30} {numbers} {gain:6.2f}x {fed:6.3f}")
    if args.json:
        print(json.dumps(results))


def measure(args: argparse.Namespace, encoder: str) -> dict[str, float]:
    """The medians over the rounds."""
    rates: dict[str, list[float]] = {"tutorial": [], "ours": [], "ceiling": []}
    if args.compile:
        rates["compiled"] = []
    for _ in range(args.rounds):
        for part, kept in rates.items():
            kept.append(tutorial(args, encoder) if part == "tutorial" else apart(args, encoder, part))
            print(f"{encoder} {part}: {kept[-1]:.2f} images/s", flush=True)
    return {part: round(statistics.median(kept), 3) for part, kept in rates.items()}


def tutorial(args: argparse.Namespace, encoder: str) -> float:
    """The recipe's own count. Its batch of 64 is halved until it fits into memory."""
    import psutil

    batch = 64
    while batch > 8 and psutil.virtual_memory().available < batch * (300e6 if "b3" in encoder else 200e6):
        batch //= 2
    name = SHORT.get(encoder, encoder)
    weights = "lite0" if name.endswith("lite0") else "none"
    images = min(TUTORIAL_IMAGES, 3 * batch)
    command = [
        sys.executable, str(args.tutorial), "--data", str(args.data), "--encoder", name,
        "--encoder-weights", weights, "--rate-only", str(images), "--batch-size", str(batch),
    ]  # fmt: skip
    return float(_last_line(command)["images_per_s"])


def apart(args: argparse.Namespace, encoder: str, part: str) -> float:
    command = [
        sys.executable, str(HERE), "--part", part, "--encoder", encoder, "--data", str(args.data),
        "--batch-size", str(args.batch_size),
    ]  # fmt: skip
    return float(_last_line(command)["rate"])


def ours(args: argparse.Namespace) -> float:
    """Steps of a real training, from the store on disk, augmented, with everything that `fit` does."""
    from core.runs.events import Step
    from core.training.loop import fit
    from core.training.memory import keep_freed_memory

    keep_freed_memory()
    steps, seconds = 0, 0.0
    before: Step | None = None
    with tempfile.TemporaryDirectory() as folder:
        for event in fit(config_of(args), Path(folder)):
            if isinstance(event, Step):
                if before and before.epoch == event.epoch:  # between two epochs lies the validation
                    steps += event.step - before.step
                    seconds += event.seconds - before.seconds
                if event.step <= WARM_UP:
                    steps, seconds = 0, 0.0
                before = event
            if steps >= STEPS:
                break
    return steps * args.batch_size / seconds


def ceiling(args: argparse.Namespace, compiled: bool = False) -> float:
    """The same step on one batch that is in memory."""
    import time
    from dataclasses import replace

    import torch

    from core.models.factory import build_model
    from core.system.device import make_fabric, pick_device, seed_everything
    from core.task import Task
    from core.training.memory import keep_freed_memory
    from core.training.steps import take_step
    from core.training.trainer import set_up

    keep_freed_memory()
    config = replace(config_of(args), compile="on" if compiled else "off")
    seed_everything(0)
    fabric = make_fabric(config, pick_device(config.device))
    trainer = set_up(config, build_model(config), Task(), fabric, 1000)
    trainer.training_mode()
    size = config.height, config.width
    pictures = torch.randint(0, 256, (args.batch_size, 3, *size), dtype=torch.uint8)
    labels = torch.randint(0, 2, (args.batch_size, *size), dtype=torch.uint8)
    start = time.perf_counter()
    for _ in range(WARM_UP):
        take_step(trainer, pictures, labels)[0].item()
    print(f"warm-up: {time.perf_counter() - start:.0f} s")
    start = time.perf_counter()
    for _ in range(STEPS):
        loss, _, _ = take_step(trainer, pictures, labels)
    loss.item()
    return STEPS * args.batch_size / (time.perf_counter() - start)


if TYPE_CHECKING:
    from core.config import TrainConfig


def config_of(args: argparse.Namespace) -> "TrainConfig":
    from core.config import preset_config

    return preset_config(
        "Balanced", args.data.resolve(), encoder=SHORT.get(args.encoder, args.encoder),
        batch_size=args.batch_size, epochs=50, validation_images=4, encoder_weights="auto",
        images_per_epoch=0,
    )  # fmt: skip


def _last_line(command: list[str]) -> dict[str, float]:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "HF_HUB_OFFLINE": "1"}
    with tempfile.TemporaryDirectory() as folder:
        environment.setdefault("SEGMENTATION_STUDIO_WORKSPACE", folder)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
