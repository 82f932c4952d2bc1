"""A plain smp model made into what the rest of the project expects: RGB in, one map of logits a class out."""

import dataclasses
from pathlib import Path

import torch
from torch import Tensor, nn

from core.errors import UserError
from core.models.card import CARD_FILE, WEIGHTS_FILE, ModelCard, read_card
from core.models.factory import open_network
from core.models.preprocessing import GREY_PREPROCESSING
from core.models.safe_loading import read_config, settings_of

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as PIL and OpenCV make a grey picture of RGB
TRIAL = (128, 160)  # height and width: the smallest that every architecture takes, and no square
TOLERANCE = 1e-3  # of the largest logit


def convert(folder: Path, kind: str = "") -> ModelCard:
    """Rewrite the model in `folder`, where needed, so that smp opens the same network as the project does;
    run it once; return its card.

    An activation and a classification head are dropped, and a greyscale model is given the weights with
    which it takes RGB. `kind` is what several classes mean, as `read_card` takes it. Raises UserError for
    a model that cannot be opened or does not give one map of logits a class.
    """
    card = read_card(folder, kind)
    config = read_config(folder)
    network, settings = open_network(folder)
    network.eval()
    if settings.get("in_channels", 3) == 1:
        grey, network = network, _for_rgb(network, folder)
        _check_outputs(grey, card, channels=1)
        _check_equal(grey, network)
        if not (folder / CARD_FILE).is_file():
            card = dataclasses.replace(card, preprocessing=GREY_PREPROCESSING)
    _check_outputs(network, card)
    kept = settings | {"in_channels": 3}
    if any(config.get(name) != kept[name] for name in ("activation", "aux_params", "in_channels")):
        network.save_pretrained(folder)  # type: ignore[operator]
        (folder / WEIGHTS_FILE).chmod(0o644)  # safetensors writes for the owner alone
    return card


def _for_rgb(grey: nn.Module, folder: Path) -> nn.Module:
    """The network of one channel as one of three whose first layers add the channels up to grey."""
    import segmentation_models_pytorch as smp

    kind, settings = settings_of(folder)
    network: nn.Module = getattr(smp, kind)(**settings | {"in_channels": 3})
    weights = grey.state_dict()
    shares = torch.tensor(LUMA)
    for name, wanted in network.state_dict().items():
        if name in weights and _lacks_channels(weights[name], wanted):
            weights[name] = weights[name] * shares.view(1, 3, *[1] * (wanted.dim() - 2))
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise UserError(
            f"{kind} with {settings['encoder_name']} takes greyscale pictures in a way that cannot be "
            "brought to RGB: train it with three channels."
        ) from error
    return network.eval()


def _lacks_channels(stored: Tensor, wanted: Tensor) -> bool:
    return wanted.dim() > 1 and stored.shape == (wanted.shape[0], 1, *wanted.shape[2:]) != wanted.shape


def _check_equal(grey: nn.Module, network: nn.Module) -> None:
    picture = torch.rand(1, 1, *TRIAL, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        before, after = grey(picture), network(picture.expand(1, 3, *TRIAL))
    if float((before - after).abs().max()) > TOLERANCE * max(1.0, float(before.abs().max())):
        raise UserError("This greyscale model gives other results on RGB: train it with three channels.")


def _check_outputs(network: nn.Module, card: ModelCard, channels: int = 3) -> None:
    """Run the network on one small picture; first without memory, since it may enlarge without bound."""
    wanted = (1, card.task.outputs, *TRIAL)
    picture = torch.zeros(1, channels, *TRIAL)
    weightless = {name: t.to("meta") for name, t in network.state_dict().items()}
    try:
        with torch.inference_mode():
            made = torch.func.functional_call(network, weightless, (picture.to("meta"),))
            if _shape(made) == wanted:
                made = network(picture)
    except (RuntimeError, NotImplementedError, AssertionError, ValueError, TypeError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise UserError(
            f"The model cannot be run on a picture of {TRIAL[1]}x{TRIAL[0]} ({reason})."
        ) from error
    if _shape(made) != wanted:
        given = "x".join(map(str, _shape(made))) or "no single map"
        raise UserError(
            f"The model should give {'x'.join(map(str, wanted))} numbers for a picture of "
            f"{TRIAL[1]}x{TRIAL[0]} and gives {given}: it cannot be used here."
        )
    if not torch.isfinite(made).all():
        raise UserError(f"{WEIGHTS_FILE} holds weights that are not numbers: the model gives nothing usable.")


def _shape(made: object) -> tuple[int, ...]:
    return tuple(made.shape) if isinstance(made, Tensor) else ()
