"""The device and what it can do."""

import random

import numpy as np
import torch

from core.config import TrainConfig
from core.errors import UserError


def pick_device(wanted: str = "auto") -> str:
    """ "cuda", "mps" or "cpu"; what "auto" means on this machine. Raises UserError if not available."""
    if wanted == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    kind = wanted.split(":", maxsplit=1)[0]
    here = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not here.get(kind, False):
        raise UserError(f"The device '{wanted}' is not available here: use auto or cpu.")
    return wanted


def device_name(device: str) -> str:
    """For people: the GPU's name, or the number of processor threads."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(torch.device(device))
    return f"CPU, {torch.get_num_threads()} threads" if device == "cpu" else device


def precision_for(config: TrainConfig, device: str) -> str:
    """Fabric's name for the number format: bf16 where the hardware multiplies it, else fp32."""
    if config.precision == "fp32" or device == "mps":
        return "32-true"
    if config.precision == "bf16":
        return "bf16-mixed"
    if device.startswith("cuda"):
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
    return "bf16-mixed" if torch.cpu._is_avx512_bf16_supported() else "32-true"


def use_channels_last(config: TrainConfig, device: str) -> bool:
    """Whether to store activations channels-last, which convolutions are faster in.

    mobileone aborts the process in fp32 channels-last on the CPU (torch 2.15, seen repeatedly).
    """
    fp32 = precision_for(config, device) == "32-true"
    return config.channels_last and not (fp32 and device == "cpu" and config.encoder.startswith("mobileone"))


def seed_everything(seed: int) -> None:
    """Python, NumPy, torch. Deterministic algorithms on the GPU, so benchmark mode is off."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
