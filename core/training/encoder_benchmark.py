"""Measure one training step of a network: `python -m core.training.encoder_benchmark resnet18`.

One line of JSON for each network named. Some encoders end the process, so whoever measures many
starts one for each: a process that ends without its line has crashed.
"""

import argparse
import contextlib
import io
import json
import math
import time
from dataclasses import asdict, dataclass, fields

import psutil
import torch
from torch.utils.flop_counter import FlopCounterMode

from core.config import TrainConfig
from core.errors import UserError
from core.models.factory import build_model, parameter_count
from core.system.device import make_fabric, pick_device, seed_everything
from core.task import Task
from core.training.memory import keep_freed_memory
from core.training.steps import take_step
from core.training.trainer import Trainer, set_up

STEPS = 2
SECONDS = 8.0  # after which no further step starts


@dataclass(frozen=True, slots=True)
class Measured:
    """The cost of one network. `gmacs` are 10^9 multiplications and additions for one image, forward;
    `memory_mb` is the most that a training step of `batch` images adds to the process, in 10^6 bytes;
    `works` is "yes" or why not."""

    encoder: str
    architecture: str
    height: int
    width: int
    batch: int
    works: str
    encoder_parameters: int = 0
    parameters: int = 0
    gmacs: float = 0.0
    memory_mb: float = 0.0
    images_per_second: float = 0.0


FIELDS = [f.name for f in fields(Measured)]


def probe(config: TrainConfig) -> Measured:
    """Build the network without pretrained weights and train it on noise for a few steps."""
    plan = Measured(
        config.encoder, config.architecture, config.height, config.width, config.batch_size, "yes"
    )
    seed_everything(0)
    keep_freed_memory()
    fabric = make_fabric(config, pick_device(config.device))
    built = build_model(config)
    encoder = parameter_count(built.model.get_submodule("encoder"))
    gmacs = _gmacs(built.model, config)
    before = psutil.Process().memory_info().rss
    trainer = set_up(config, built, Task(), fabric, 1000)
    trainer.training_mode()
    rate = _rate(trainer, config)
    if fabric.device.type == "cuda":
        memory = torch.cuda.max_memory_allocated(fabric.device)
    else:
        memory = _peak() - before
    values = asdict(plan) | {
        "encoder_parameters": encoder,
        "parameters": parameter_count(built.model),
        "gmacs": round(gmacs, 3),
        "memory_mb": round(memory / 1e6),
        "images_per_second": round(rate, 2),
    }
    return Measured(**values)


def _gmacs(model: torch.nn.Module, config: TrainConfig) -> float:
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model.eval()(torch.zeros(1, 3, config.height, config.width))
    return float(counter.get_total_flops()) / 2 / 1e9


def _rate(trainer: Trainer, config: TrainConfig) -> float:
    size = config.height, config.width
    pictures = torch.randint(0, 256, (config.batch_size, 3, *size), dtype=torch.uint8)
    labels = torch.randint(0, 2, (config.batch_size, *size), dtype=torch.uint8)
    watch = Watch.start()
    take_step(trainer, pictures, labels)[0].item()
    first = watch.seconds(trainer.fabric.device.type)
    if first > SECONDS:
        return config.batch_size / first
    watch, done = Watch.start(), 0
    while done < STEPS and time.perf_counter() - watch.clock < SECONDS:
        loss = take_step(trainer, pictures, labels)[0].item()
        done += 1
    if not math.isfinite(loss):
        raise UserError("the loss is not a number")
    return done * config.batch_size / watch.seconds(trainer.fabric.device.type)


@dataclass(frozen=True, slots=True)
class Watch:
    """When a measurement began: by the clock, and by the processor time of this process, both in seconds."""

    clock: float
    processor: float

    @classmethod
    def start(cls) -> "Watch":
        return cls(time.perf_counter(), time.process_time())

    def seconds(self, device: str) -> float:
        """How long it has taken; on a CPU where other work has the cores, how long it would have without."""
        by_clock = time.perf_counter() - self.clock
        if device != "cpu":
            return by_clock
        own = (time.process_time() - self.processor) / torch.get_num_threads()
        return max(1e-9, min(by_clock, own))


def _peak() -> int:
    """The largest resident size of this process so far, in bytes."""
    with contextlib.suppress(OSError), open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    return psutil.Process().memory_info().rss


def main() -> None:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("encoder", nargs="+")
    parser.add_argument("--architecture", default="Unet")
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--batch", type=int, default=2)
    args = parser.parse_args()
    for encoder in args.encoder:
        print(json.dumps(asdict(_one(encoder, args))), flush=True)  # noqa: T201


def _one(encoder: str, args: argparse.Namespace) -> Measured:
    config = TrainConfig(
        "-", encoder=encoder, architecture=args.architecture, encoder_weights="none",
        height=args.height, width=args.width, batch_size=args.batch, schedule="constant",
    )  # fmt: skip
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            return probe(config)
    except Exception as error:  # every failure is a line of the table
        reason = " ".join(f"{error}".split())[:160] or type(error).__name__
        return Measured(encoder, args.architecture, args.height, args.width, args.batch, reason)


if __name__ == "__main__":
    main()
