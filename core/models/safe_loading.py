"""Saved models from anywhere, checked before anything is built: no code, no surprise in size."""

import contextlib
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.config import ARCHITECTURES
from core.errors import UserError
from core.models.card import CONFIG_FILE, WEIGHTS_FILE
from core.models.truncated_encoder import trim
from core.system.workspace import read_json

if TYPE_CHECKING:
    from torch import Tensor

MAX_NUMBER, MAX_LENGTH, MAX_TEXT, MAX_DEPTH = 4096, 32, 100, 3
MAX_CONFIG_BYTES = 1_000_000


HEAD = "classification_head."  # weights of smp's auxiliary output, which a segmentation model has no use for
# What smp may apply after the last layer of a network that learned on logits. The weights are the same.
ACTIVATIONS = (
    "None", "identity", "sigmoid", "softmax", "softmax2d", "logsoftmax", "argmax", "argmax2d",
)  # fmt: skip


def settings_of(folder: Path) -> tuple[str, dict[str, Any]]:
    """The architecture that config.json names and the arguments to build it with: without weights, an
    activation or a classification head, so that what is built gives logits and nothing else.

    Raises UserError where it names something other than an smp model for RGB or greyscale pictures, or
    holds what no model needs.
    """
    file = folder / CONFIG_FILE
    config = read_config(folder)
    kind = config.get("_model_class")
    if kind not in ARCHITECTURES:
        raise UserError(f"{file} names an unknown architecture: {str(kind)[:MAX_TEXT]!r}.")
    settings = {k: v for k, v in config.items() if not k.startswith("_")}
    settings["encoder_weights"] = None
    if not _is_plain(settings):
        raise UserError(f"{file} holds values that no segmentation model needs, so it is not opened.")
    # timm takes "hf-hub:…" and "local-dir:…" for names too, and would fetch what they point to.
    if not re.fullmatch(r"[\w.-]+", str(settings.get("encoder_name", ""))):
        raise UserError(f"{file} names no encoder: {str(settings.get('encoder_name'))[:MAX_TEXT]!r}.")
    channels = settings.get("in_channels", 3)
    if channels not in (1, 3):
        raise UserError(
            f"{file} asks for pictures of {channels} channels: only models of RGB (3) or greyscale (1) "
            "pictures can be used here."
        )
    if str(settings.get("activation")) not in ACTIVATIONS:
        raise UserError(f"{file} names an unknown activation: {settings['activation']!r}.")
    return kind, settings | {"activation": None, "aux_params": None}


def read_config(folder: Path) -> dict[str, Any]:
    """config.json as it is. Raises UserError where it cannot be read, or is too large to be one."""
    file = folder / CONFIG_FILE
    if file.is_file() and file.stat().st_size > MAX_CONFIG_BYTES:
        raise UserError(f"{file} is too large for a configuration.")
    return read_json(file)


def weights_of(folder: Path) -> "dict[str, Tensor]":
    """The tensors of a saved model, less those of the classification head that its configuration adds."""
    from safetensors.torch import load_file

    weights = load_file(folder / WEIGHTS_FILE)
    if not read_config(folder).get("aux_params"):
        return weights
    return {name: tensor for name, tensor in weights.items() if not name.startswith(HEAD)}


def check_sizes(kind: str, settings: dict[str, Any], folder: Path) -> None:
    """Build the network without memory and hold it against the shapes in the weights file.

    So a configuration that asks for more than the file holds is refused before it costs anything.
    Raises UserError where they differ.
    """
    import segmentation_models_pytorch as smp
    import torch
    from safetensors import safe_open
    from torch.overrides import TorchFunctionMode

    class ValuesOfSteps(TorchFunctionMode):
        """Mix transformers read numbers off a `linspace` while they are built, so that one is computed."""

        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            more = {"device": "cpu"} if func is torch.linspace else {}
            return func(*args, **more | (kwargs or {}))

    with safe_open(folder / WEIGHTS_FILE, "pt") as file:
        stored = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    try:
        with torch.device("meta"), ValuesOfSteps(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network = getattr(smp, kind)(**settings)
    except (RuntimeError, NotImplementedError):
        return  # a few transformers compute while they are built; their sizes follow from their names
    if not network.state_dict().keys() <= stored.keys():
        with contextlib.suppress(RuntimeError, NotImplementedError):  # then the tensors are missing
            trim(network)
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
    """Whether a value consists of numbers, strings and short lists of them, all of plausible size."""
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
