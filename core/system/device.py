"""Devices, their number formats and Fabric."""

import datetime
import os
import random
import signal
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy

from core.config import TrainConfig
from core.errors import UserError

COMPILE_FROM_IMAGES = 200_000  # on a GPU; on the CPU it was not faster (docs/training.md)


def pick_device(wanted: str = "auto") -> str:
    """Resolve "auto" to "cuda", "mps" or "cpu". Raises UserError if the device is not available."""
    if wanted == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    kind = wanted.split(":", maxsplit=1)[0]
    here = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not here.get(kind, False):
        raise UserError(f"The device '{wanted}' is not available here: use auto or cpu.")
    return wanted


def slots(device: str, processes: int = 1) -> tuple[str, ...]:
    """The devices that a training with this many processes occupies: ("cpu",), ("cuda:0",), or
    ("cuda:0", "cuda:1"). "cuda" is "cuda:0"."""
    kind, _, number = device.partition(":")
    if kind != "cuda":
        return (kind,)
    if processes > 1:
        return tuple(f"cuda:{i}" for i in range(processes))
    return (f"cuda:{int(number or 0)}",)


def gpu_count() -> int:
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def make_fabric(config: TrainConfig, device: str) -> Fabric:
    """Fabric for this process, alone on `device` or as one of those that torchrun started."""
    precision: Any = precision_for(config, device)
    accelerator = device.split(":", maxsplit=1)[0]
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        devices: Any = [int(device.split(":")[1])] if ":" in device else 1
        return Fabric(accelerator=accelerator, devices=devices, precision=precision)
    here = int(os.environ.get("LOCAL_WORLD_SIZE", str(world)))
    together = DDPStrategy(
        process_group_backend="nccl" if accelerator == "cuda" else "gloo",
        timeout=datetime.timedelta(days=1),  # the first may wait in line for its device that long
        find_unused_parameters=True,  # smp's encoders have layers that the decoder does not read
    )
    fabric = Fabric(
        accelerator=accelerator, devices=here, num_nodes=world // here, strategy=together, precision=precision
    )
    fabric.launch()
    return fabric


def is_first_process() -> bool:
    """Whether this is the process of rank 0, which alone prints and writes files."""
    return os.environ.get("RANK", "0") == "0"


def part_from_the_others() -> None:
    """Destroy the process group once all processes have reached this: one that just exits may abort."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        # Nothing is left to interrupt, and an interrupted interpreter would look like a failed training.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()


def pays_to_compile(config: TrainConfig, device: str, steps: int) -> bool:
    """Whether torch.compile saves more time within this many steps than its minute of compilation."""
    if config.compile != "auto":
        return config.compile == "on"
    return device.startswith("cuda") and steps * config.batch_size >= COMPILE_FROM_IMAGES


def device_name(device: str, processes: int = 1) -> str:
    """For display: the GPU's name, or "CPU" with its number of threads; and the number of processes."""
    many = f"{processes} x " if processes > 1 else ""
    if device.startswith("cuda"):
        return many + torch.cuda.get_device_name(torch.device(device))
    return many + (f"CPU, {torch.get_num_threads()} threads" if device == "cpu" else device)


def precision_for(config: TrainConfig, device: str) -> str:
    """Fabric's name of the number format. "auto" is bf16 if the hardware supports it, else fp32."""
    if config.precision == "fp32" or device == "mps":
        return "32-true"
    if config.precision == "bf16":
        return "bf16-mixed"
    return "bf16-mixed" if multiplies_bf16(device) else "32-true"


def multiplies_bf16(device: str) -> bool:
    """Whether the hardware has bf16 instructions: emulated ones are slower than fp32."""
    if device.startswith("cuda"):
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device == "cpu" and bool(torch.cpu._is_avx512_bf16_supported())


def use_channels_last(config: TrainConfig, device: str) -> bool:
    """Whether to store activations channels-last, which convolutions are faster in.

    mobileone aborts the process in fp32 channels-last on the CPU (torch 2.15, seen repeatedly).
    """
    fp32 = precision_for(config, device) == "32-true"
    return config.channels_last and not (fp32 and device == "cpu" and config.encoder.startswith("mobileone"))


def seed_everything(seed: int) -> None:
    """Python, NumPy, torch. On the CPU the same seed gives the same numbers; on a GPU cuDNN picks the
    fastest algorithm, so the last digits may differ."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.backends.cudnn.benchmark = True
