"""The settings of one training: a single validated dataclass that goes to JSON and back."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import UserError

SIZE_STEP = 32  # every smp encoder halves the picture five times

ARCHITECTURES = (
    "Unet", "UnetPlusPlus", "MAnet", "Linknet", "FPN", "PSPNet",
    "PAN", "DeepLabV3", "DeepLabV3Plus", "UPerNet", "Segformer", "DPT",
)  # fmt: skip
# Channels of the decoder, for an encoder that is run so many stages deep; 5 is smp's own default.
DECODERS = {5: (256, 128, 64, 32, 16), 4: (64, 48, 32, 16), 3: (48, 32, 16)}
STEPPED = ("Unet", "UnetPlusPlus", "MAnet")  # architectures with as many decoder steps as stages
DEFAULT_ENCODER = "timm-tf_efficientnet_lite0"
DPT_ENCODER = "tu-vit_tiny_patch16_224"
CHOICES: dict[str, tuple[str, ...]] = {
    "architecture": ARCHITECTURES,
    "encoder_weights": ("auto", "none"),
    "task": ("auto", "binary", "multiclass", "multilabel"),
    "loss": ("bce", "dice", "bce+dice", "focal", "tversky", "lovasz"),
    "class_weights": ("none", "balanced"),
    "optimizer": ("adam", "adamw", "sgd"),
    "schedule": ("constant", "one-cycle", "cosine", "plateau"),
    "augmentation": ("none", "tutorial", "light", "standard", "strong"),
    "precision": ("auto", "fp32", "bf16"),
    "compile": ("auto", "on", "off"),
}
LOGGERS = ("tensorboard", "csv", "mlflow", "wandb")
REMOTE_LOGGERS = ("mlflow", "wandb")  # they may send what they get elsewhere


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """What to train on what, and how. Raises UserError when a value makes no sense.

    Sizes are in pixels, rates are per step. What is not plain from its name:

    task              "auto" reads the masks as dataset.json says, else as foreground and background
    ignore_index      with "multiclass", the mask value that is void (-1: none)
    class_names       with "multiclass", names of the values 0, 1, 2 … without the void, by commas
    encoder_depth     stages of the encoder that are run; fewer than 5 make a small model, with a slim
                      decoder, of a Unet, UnetPlusPlus or MAnet
    start_from        folder of a saved model whose weights are the start, not the encoder's alone; of
                      one of another depth, the encoder's
    batch_size        images a step, over all devices together; 0 finds the largest that pays
    accumulate        batches whose gradients make one step
    encoder_rate      the encoder's learning rate as a multiple of the decoder's
    gradient_clip     largest norm of the gradient (0: as it is)
    early_stopping    epochs without a better Dice (mean over images) after which to end (0: never)
    loss              "bce" means cross entropy where there are several classes
    images_per_epoch, validation_images   caps (0: all images)
    loggers           names out of LOGGERS, by commas; the run's own events are always written
    devices           processes on this machine that train together
    """

    data: str
    architecture: str = "Unet"
    encoder: str = DEFAULT_ENCODER
    encoder_weights: str = "auto"
    encoder_depth: int = 5
    start_from: str = ""
    freeze_encoder: bool = False
    task: str = "auto"
    ignore_index: int = -1
    class_names: str = ""
    height: int = 256
    width: int = 192
    epochs: int = 10
    batch_size: int = 16
    accumulate: int = 1
    learning_rate: float = 1e-3
    encoder_rate: float = 1.0
    weight_decay: float = 1e-2
    optimizer: str = "adamw"
    schedule: str = "one-cycle"
    gradient_clip: float = 0.0
    early_stopping: int = 0
    loss: str = "bce+dice"
    class_weights: str = "none"
    augmentation: str = "standard"
    augmentation_strength: float = 1.0
    ema_decay: float = 0.0
    images_per_epoch: int = 0
    validation_images: int = 0
    precision: str = "auto"
    channels_last: bool = True
    compile: str = "auto"
    device: str = "auto"
    devices: int = 1
    loggers: str = "tensorboard,csv"
    seed: int = 42
    name: str = ""
    preset: str = ""

    def __post_init__(self) -> None:
        for field, allowed in CHOICES.items():
            if getattr(self, field) not in allowed:
                raise UserError(
                    f"{field} cannot be '{getattr(self, field)}': choose one of {', '.join(allowed)}."
                )
        for field in ("height", "width"):
            size = getattr(self, field)
            if not 32 <= size <= 2048 or size % SIZE_STEP:
                raise UserError(f"{field} cannot be {size}: use a multiple of {SIZE_STEP} from 32 to 2048.")
        for field, low, high in (
            ("encoder_depth", min(DECODERS), max(DECODERS)),
            ("epochs", 1, 10_000),
            ("batch_size", 0, 4096),
            ("accumulate", 1, 1024),
            ("encoder_rate", 0.0, 10.0),
            ("augmentation_strength", 0.0, 3.0),
            ("gradient_clip", 0.0, 1e6),
            ("early_stopping", 0, 10_000),
            ("ignore_index", -1, 2**16 - 1),
            ("devices", 1, 1024),
            ("learning_rate", 1e-8, 10.0),
            ("weight_decay", 0.0, 1.0),
            ("ema_decay", 0.0, 0.99999),
            ("images_per_epoch", 0, 10**9),
            ("validation_images", 0, 10**9),
            ("seed", 0, 2**32 - 1),
        ):
            if not low <= getattr(self, field) <= high:
                raise UserError(f"{field} cannot be {getattr(self, field)}: use {low:g} to {high:g}.")
        unknown = set(self.logger_names) - set(LOGGERS)
        if unknown:
            raise UserError(f"There is no logger '{min(unknown)}': name any of {', '.join(LOGGERS)}.")
        if self.encoder_depth < max(DECODERS) and self.architecture not in STEPPED:
            raise UserError(
                f"encoder_depth {self.encoder_depth} does not go with {self.architecture}: "
                f"choose one of {', '.join(STEPPED)}."
            )
        if self.architecture == "DPT" and not self.encoder.startswith("tu-"):
            raise UserError(f"DPT needs a vision transformer of timm's: choose {DPT_ENCODER} or another.")
        if not self.data:
            raise UserError("No data set is named: give a folder with images/ and masks/.")

    @property
    def logger_names(self) -> list[str]:
        return _listed(self.loggers)

    @property
    def named_classes(self) -> list[str]:
        return _listed(self.class_names)

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainConfig":
        """The inverse of `to_dict`. Unknown keys and wrong types raise UserError."""
        fields = {f.name: f for f in dataclasses.fields(cls)}
        unknown = sorted(set(values) - set(fields))
        if unknown:
            raise UserError(f"Unknown setting '{unknown[0]}'. Known: {', '.join(fields)}.")
        checked: dict[str, Any] = {}
        for key, value in values.items():
            kind: Any = fields[key].type
            whole_for_float = kind is float and type(value) is int  # JSON and widgets write 1 for 1.0
            if type(value) is not kind and not whole_for_float:
                raise UserError(f"Setting '{key}' should be a {kind.__name__}, not {value!r}.")
            checked[key] = kind(value)
        return cls(**checked)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


@dataclass(frozen=True, slots=True)
class Preset:
    """A named set of settings, with the sentence that the page shows beside it."""

    name: str
    summary: str
    settings: dict[str, Any]


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            "Quick look",
            "Under three minutes on two processor cores: at most 240 photos an epoch, six epochs.",
            {
                "epochs": 6,
                "batch_size": 8,
                "learning_rate": 2e-3,
                "augmentation": "light",
                "images_per_epoch": 240,
                "validation_images": 64,
            },
        ),
        Preset(
            "Balanced",
            "All your photos, stronger augmentation, averaged weights: the one to keep.",
            {"epochs": 20, "batch_size": 8, "augmentation": "standard", "ema_decay": 0.98},
        ),
        Preset(
            "Tutorial recipe",
            "The tutorial as published: efficientnet-b3, BCE, Adam 3e-4, batches of 64, ten epochs. "
            "Slow without a GPU.",
            {
                "encoder": "efficientnet-b3",
                "epochs": 10,
                "batch_size": 64,
                "learning_rate": 3e-4,
                "weight_decay": 0.0,
                "optimizer": "adam",
                "schedule": "constant",
                "loss": "bce",
                "augmentation": "tutorial",
                "precision": "fp32",
                "channels_last": False,
            },
        ),
    )
}


def preset_config(preset: str, data: str | Path, **changes: Any) -> TrainConfig:
    """The named preset on `data`, with single settings changed. Raises UserError on unknown names."""
    if preset not in PRESETS:
        raise UserError(f"There is no preset '{preset}': choose one of {', '.join(PRESETS)}.")
    values = {**PRESETS[preset].settings, **changes}
    return TrainConfig.from_dict({"data": str(data), "preset": preset, **values})
