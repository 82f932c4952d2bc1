"""Building, saving and loading models: any smp architecture with any encoder it names.

A saved model is smp's own folder, config.json and model.safetensors, so that
`smp.from_pretrained(folder)` opens it anywhere. studio.json beside them holds what smp has no
place for: normalisation, input size, threshold, scores, origin. No pickle is ever read.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from core.config import DECODERS, TrainConfig
from core.errors import UserError
from core.models import pretrained
from core.models.card import (
    CARD_FILE,
    CONFIG_FILE,
    README_FILE,
    WEIGHTS_FILE,
    ModelCard,
    is_network,
    is_onnx,
    read_card,
    write_card,
)
from core.models.initial_weights import InitialWeights, Origin
from core.models.preprocessing import LITE_PREPROCESSING, Preprocessing
from core.models.safe_loading import check_sizes, settings_of, weights_of
from core.models.truncated_encoder import trim
from core.system.atomic import part_folder
from core.task import Task

FULL_DEPTH = max(DECODERS)
LAST_LAYER = "segmentation_head."


@dataclass(frozen=True, slots=True)
class Built:
    """A new model, the source of its encoder's weights, and the normalisation they expect."""

    model: nn.Module
    weights: InitialWeights
    preprocessing: Preprocessing
    licence: str = ""


def build_model(config: TrainConfig, task: Task | None = None) -> Built:
    """The network that `config` names, with an output for each class of `task`
    (None: one). ImageNet weights: local package, else hub, else none.

    `Built.weights` says which. Raises UserError for an unknown encoder or a pair of
    architecture and encoder that smp cannot join.
    """
    built = _with_weights(config, task)
    if config.encoder_depth < FULL_DEPTH:
        trim(built.model)
    return built


def _with_weights(config: TrainConfig, task: Task | None) -> Built:
    outputs = task.outputs if task else 1
    if config.start_from:
        return _continued(config, task or Task())
    if config.encoder_weights == "none":
        return Built(_create(config, outputs), InitialWeights(Origin.RANDOM_AS_ASKED), Preprocessing())
    if package := pretrained.local_package(config.encoder):
        model = _create(config, outputs)
        pretrained.load_local(model.get_submodule("encoder"), package)
        return Built(
            model, InitialWeights(Origin.LOCAL_PACKAGE), LITE_PREPROCESSING, pretrained.LOCAL_LICENCE
        )
    if pretrained.hub_files(config.encoder) is None:
        return Built(_create(config, outputs), InitialWeights(Origin.NONE_EXIST), Preprocessing())
    if pretrained.is_cached(config.encoder):
        with pretrained.only_cached():
            return _from_hub(config, outputs, Origin.HUB_CACHE)
    if pretrained.hub_answers():
        return _from_hub(config, outputs, Origin.HUB)
    return Built(_create(config, outputs), InitialWeights(Origin.HUB_UNREACHABLE), Preprocessing())


def _continued(config: TrainConfig, task: Task) -> Built:
    """A model that continues from a saved one: from its encoder alone where the depth differs, from all but
    the last layer where the number of classes does."""
    model, card = load_model(Path(config.start_from))
    if (card.architecture, card.encoder) != (config.architecture, config.encoder):
        raise UserError(
            f"{card.name} is a {card.architecture} with {card.encoder}: choose these to start from it, "
            f"not {config.architecture} with {config.encoder}."
        )
    origin = Origin.MODEL
    if settings_of(Path(config.start_from))[1].get("encoder_depth", FULL_DEPTH) != config.encoder_depth:
        encoder = model.get_submodule("encoder").state_dict()
        model = _create(config, task.outputs)
        model.get_submodule("encoder").load_state_dict(encoder, strict=False)
        origin = Origin.ENCODER_OF_MODEL
    elif card.task.outputs != task.outputs:
        kept = {name: t for name, t in model.state_dict().items() if not name.startswith(LAST_LAYER)}
        model = _create(config, task.outputs)
        model.load_state_dict(kept, strict=False)
        origin = Origin.ALL_BUT_LAST_LAYER
    return Built(model, InitialWeights(origin, card.name), card.preprocessing, _licence_of(card))


def _licence_of(card: ModelCard) -> str:
    """The terms under which a model's weights are, and so are those of a model that starts from them."""
    if not card.data_licence:
        return card.weights_licence
    terms = f"{card.name} learned from data with terms of their own ({card.data_licence})"
    return f"{card.weights_licence}; {terms}" if card.weights_licence else terms


def _from_hub(config: TrainConfig, outputs: int, origin: Origin) -> Built:
    try:
        model = _create(config, outputs, "imagenet")
        licence = pretrained.hub_licence(config.encoder)
        return Built(model, InitialWeights(origin), pretrained.hub_preprocessing(config.encoder), licence)
    except (OSError, ValueError) as error:  # what the hub client raises for failed downloads
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        failed = InitialWeights(Origin.HUB_FAILED, reason)
        return Built(_create(config, outputs), failed, Preprocessing())


def _create(config: TrainConfig, outputs: int, weights: str | None = None) -> nn.Module:
    import segmentation_models_pytorch as smp

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # `timm-` names, which still work
            # Without it a vision transformer takes pictures of one size only.
            more: dict[str, Any] = {"dynamic_img_size": True} if config.architecture == "DPT" else {}
            if config.encoder_depth < FULL_DEPTH:
                channels = DECODERS[config.encoder_depth]
                more = {"encoder_depth": config.encoder_depth, "decoder_channels": channels}
            model: nn.Module = smp.create_model(
                config.architecture, config.encoder, encoder_weights=weights, classes=outputs, **more
            )
    except KeyError:
        raise UserError(
            f"There is no encoder '{config.encoder}': see the list on the Train page, or "
            "`python -m core train --list-encoders`."
        ) from None
    except (ValueError, RuntimeError, NotImplementedError) as error:
        if weights is not None:
            raise
        reason = str(error).splitlines()[0]
        raise UserError(f"{config.architecture} cannot use the encoder {config.encoder}: {reason}") from error
    return model


def save_model(model: nn.Module, card: ModelCard, folder: Path) -> None:
    """Write the model's folder. Each file is replaced atomically, so a kill at any moment leaves a model
    that opens."""
    with part_folder(folder) as part:
        model.save_pretrained(part)  # type: ignore[operator]
        (part / WEIGHTS_FILE).chmod(0o644)  # safetensors writes for the owner alone
        write_card(part, card)
        folder.mkdir(parents=True, exist_ok=True)
        for name in (WEIGHTS_FILE, CONFIG_FILE, CARD_FILE, README_FILE):
            (part / name).replace(folder / name)


def load_model(folder: Path, device: str = "cpu") -> tuple[nn.Module, ModelCard]:
    """A saved model, in eval mode on `device`, and its card.

    The network takes RGB and gives logits, also where its configuration adds an activation or a
    classification head. Only JSON and safetensors are read. Raises UserError when a file is missing,
    damaged, or names something other than an smp segmentation model of RGB pictures.
    """
    network, settings = open_network(folder)
    if settings.get("in_channels", 3) != 3:
        raise UserError(
            f"The model in {folder} takes greyscale pictures: import it on the Models page first."
        )
    return network.to(device).eval(), read_card(folder)


def open_network(folder: Path) -> tuple[nn.Module, dict[str, Any]]:
    """The network of a saved model, of as many channels as it has, and the arguments it was built with.

    Raises UserError like `load_model`.
    """
    import segmentation_models_pytorch as smp

    if is_onnx(folder):
        raise UserError(f"{folder.name} is an ONNX file: it predicts, but it cannot be trained or exported.")
    if not is_network(folder):
        raise UserError(f"{folder} holds no model: {CONFIG_FILE} and {WEIGHTS_FILE} are needed.")
    kind, settings = settings_of(folder)
    try:
        check_sizes(kind, settings, folder)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            model: nn.Module = getattr(smp, kind)(**settings)
        weights = weights_of(folder)
        if not model.state_dict().keys() <= weights.keys():
            trim(model)
        model.load_state_dict(weights)
    except UserError:
        raise
    except Exception as error:  # hostile or damaged files raise anything
        reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise UserError(f"The model in {folder} cannot be opened: {reason}") from error
    return model, settings


def encoder_names() -> list[str]:
    """The encoders of smp; all others of timm are called `tu-<name>`."""
    from segmentation_models_pytorch.encoders import get_encoder_names

    return sorted(get_encoder_names())


def parameter_count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())
