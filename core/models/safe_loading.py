"""Saved models from anywhere, looked at before anything is built: no code, no surprise in size."""

import re
import warnings
from pathlib import Path
from typing import Any

from core.config import ARCHITECTURES
from core.errors import UserError
from core.models.card import CONFIG_FILE, WEIGHTS_FILE
from core.models.truncated_encoder import trim
from core.system.workspace import read_json

MAX_NUMBER, MAX_LENGTH, MAX_TEXT, MAX_DEPTH = 4096, 32, 100, 3
MAX_CONFIG_BYTES = 1_000_000


def settings_of(folder: Path) -> tuple[str, dict[str, Any]]:
    """The architecture that config.json names and the arguments to build it with, weights excluded.

    Raises UserError where it names something other than an smp model, or holds what none needs.
    """
    file = folder / CONFIG_FILE
    if file.is_file() and file.stat().st_size > MAX_CONFIG_BYTES:
        raise UserError(f"{file} is too large for a configuration.")
    config = read_json(file)
    kind = config.get("_model_class")
    if kind not in ARCHITECTURES:
        raise UserError(f"{file} names no architecture that is known here: {str(kind)[:MAX_TEXT]!r}.")
    settings = {k: v for k, v in config.items() if not k.startswith("_")}
    settings["encoder_weights"] = None
    if not _is_plain(settings):
        raise UserError(f"{file} holds values that no segmentation model needs: it is not opened.")
    # timm takes "hf-hub:…" and "local-dir:…" for names too, and would fetch what they point to.
    if not re.fullmatch(r"[\w.-]+", str(settings.get("encoder_name", ""))):
        raise UserError(f"{file} names no encoder: {str(settings.get('encoder_name'))[:MAX_TEXT]!r}.")
    return kind, settings


def check_sizes(kind: str, settings: dict[str, Any], folder: Path) -> None:
    """Build the network without memory and hold it against the shapes in the weights file.

    So a configuration that asks for more than the file holds is refused before it costs anything.
    Raises UserError where they differ.
    """
    import segmentation_models_pytorch as smp
    import torch
    from safetensors import safe_open

    with safe_open(folder / WEIGHTS_FILE, "pt") as file:
        stored = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    try:
        with torch.device("meta"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network = getattr(smp, kind)(**settings)
            if not network.state_dict().keys() <= stored.keys():
                trim(network)
    except (RuntimeError, NotImplementedError):
        return  # a few transformers compute while they are built; their sizes are their names'
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    for name, shape in wanted.items():
        if stored.get(name, shape) != shape:
            raise UserError(
                f"{WEIGHTS_FILE} in {folder} does not fit {CONFIG_FILE}: {name} is {stored[name]}, "
                f"not {shape}."
            )
    missing = wanted.keys() - stored.keys()
    if missing:
        raise UserError(f"{WEIGHTS_FILE} in {folder} lacks {len(missing)} tensors, such as {min(missing)}.")


def _is_plain(value: Any, depth: int = 0) -> bool:
    """Numbers, words and short lists of them, none of a size that makes sense nowhere."""
    if depth > MAX_DEPTH:
        return False
    if isinstance(value, bool) or value is None:
        return True
    if isinstance(value, int | float):
        return abs(value) <= MAX_NUMBER
    if isinstance(value, str):
        return len(value) <= MAX_TEXT
    if isinstance(value, list):
        return len(value) <= MAX_LENGTH and all(_is_plain(v, depth + 1) for v in value)
    if isinstance(value, dict):
        return len(value) <= MAX_LENGTH and all(
            _is_plain(k, depth + 1) and _is_plain(v, depth + 1) for k, v in value.items()
        )
    return False
