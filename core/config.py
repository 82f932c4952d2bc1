"""The settings of one training: a single validated dataclass that goes to JSON and back."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import UserError
from core.settings import setting, validate

SIZE_STEP = 32  # every smp encoder halves the picture five times

ARCHITECTURES = (
    "Unet", "UnetPlusPlus", "MAnet", "Linknet", "FPN", "PSPNet",
    "PAN", "DeepLabV3", "DeepLabV3Plus", "UPerNet", "Segformer", "DPT",
)  # fmt: skip
# Channels of the decoder, for an encoder that is run to this depth; 5 is smp's own default.
DECODERS = {5: (256, 128, 64, 32, 16), 4: (64, 48, 32, 16), 3: (48, 32, 16)}
STEPPED = ("Unet", "UnetPlusPlus", "MAnet")  # architectures with as many decoder steps as stages
SMALLEST_SIDES = {"PAN": 128}  # pixels of the input: its pyramid halves a sixteenth of the side three times
DEFAULT_ENCODER = "timm-tf_efficientnet_lite0"
DPT_ENCODER = "tu-vit_tiny_patch16_224"
LOGGERS = ("tensorboard", "csv", "mlflow", "wandb")
REMOTE_LOGGERS = ("mlflow", "wandb")  # they may send what they get elsewhere
RENAMED = {"encoder_rate": "encoder_lr_multiplier"}  # settings of older runs, and what they are called now

# Groups of the form, in order of their columns.
GROUPS = LENGTH, OPTIMISER, MODEL, RUN = "Length and size", "Optimiser", "Model and loss", "Run"


def _alike(*values: str) -> dict[str, str]:
    return dict(zip(values, values, strict=True))


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """What to train on what, and how. Raises UserError when a value makes no sense.

    Bounds, choices and help are the fields' own; `core.settings` reads them. Sizes are in pixels, and
    learning rates are per step.
    """

    data: str
    architecture: str = setting(
        "Unet", "Architecture", group=MODEL, choices=_alike(*ARCHITECTURES),
        help="The decoder and how it is tied to the encoder.",
    )  # fmt: skip
    encoder: str = setting(
        DEFAULT_ENCODER, "Encoder", "The pretrained part; `--list-encoders` prints the names.",
    )  # fmt: skip
    encoder_weights: str = setting(
        "auto", "Encoder weights", "ImageNet weights where they can be had, or random ones.",
        choices={"auto": "Pretrained", "none": "Random"},
    )  # fmt: skip
    encoder_depth: int = setting(
        5, "Encoder depth", "Stages of the encoder that run. Fewer than 5 make a small model with a slim "
        "decoder: Unet, UnetPlusPlus and MAnet only.", low=min(DECODERS), high=max(DECODERS),
    )  # fmt: skip
    start_from: str = setting(
        "", "Start from", "Folder of a saved model whose weights are the start: of a model of another "
        "depth the encoder's alone, of one with another number of classes all but the last layer's.",
    )  # fmt: skip
    freeze_encoder: bool = setting(
        False, "Freeze the encoder", "Train the decoder alone: fastest, at some cost in quality.", group=MODEL
    )
    task: str = setting(
        "auto", "Task", "What to segment; auto reads it from dataset.json, else one foreground.",
        choices={"auto": "As the data set says", "binary": "Foreground", "multiclass": "Each class",
                 "multilabel": "Several labels a pixel"},
    )  # fmt: skip
    ignore_index: int = setting(
        -1, "Void value", "Multiclass: the mask value to ignore; -1: none.", low=-1, high=2**16 - 1
    )
    class_names: str = setting(
        "", "Names of the classes", "Multiclass: names of the values 0, 1, 2 … without the void, separated "
        "by commas.",
    )  # fmt: skip
    height: int = setting(
        256, "Height", "Of the network's input, in pixels.", group=LENGTH, low=32, high=2048,
        multiple_of=SIZE_STEP,
    )  # fmt: skip
    width: int = setting(
        192, "Width", "Of the network's input, in pixels.", group=LENGTH, low=32, high=2048,
        multiple_of=SIZE_STEP,
    )  # fmt: skip
    sampling: str = setting(
        "whole", "Trained on", "Whole photos at height x width, or patches of that size cut from photos at "
        "their own resolution, for thin or small things in large photos. The model then predicts window by "
        "window, which takes longer.", group=LENGTH,
        choices={"whole": "Whole photos", "patches": "Patches at full resolution"},
    )  # fmt: skip
    foreground_patches: float = setting(
        0.33, "Foreground patches", "Patches only: the share that is centred on the foreground or on a class "
        "other than the commonest; 0.33 is nnU-Net's.", group=LENGTH, low=0.0, high=1.0, step=0.05,
    )  # fmt: skip
    epochs: int = setting(10, "Epochs", "Ignored where minutes are set.", group=LENGTH, low=1, high=10_000)
    minutes: float = setting(
        0.0, "Minutes", "How long the run takes, from loading to the last validation; 0: as long as the "
        "epochs take.", group=LENGTH, low=0.0, high=10_080.0, step=1.0,
    )  # fmt: skip
    batch_size: int = setting(
        16, "Batch size", "Images a step, over all devices together; 0 finds the largest that pays.",
        group=LENGTH, low=0, high=4096, special={0: "Automatic"},
        suggested=(0, 1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256),
    )  # fmt: skip
    accumulate: int = setting(
        1, "Gradient accumulation", "Batches whose gradients make one step.", group=RUN, low=1, high=1024
    )
    learning_rate: float = setting(1e-3, "Learning rate", group=OPTIMISER, low=1e-8, high=10.0, step=1e-4)
    encoder_lr_multiplier: float = setting(
        1.0, "Encoder LR multiplier", "The encoder's learning rate as a multiple of the decoder's. With 0.1 "
        "the pretrained encoder learns ten times slower.", group=OPTIMISER, low=0.0, high=10.0, step=0.1,
    )  # fmt: skip
    weight_decay: float = setting(1e-2, "Weight decay", group=OPTIMISER, low=0.0, high=1.0, step=1e-3)
    optimizer: str = setting(
        "adamw", "Optimiser", group=OPTIMISER,
        choices={"adamw": "AdamW", "adam": "Adam", "sgd": "SGD, momentum 0.9"},
    )  # fmt: skip
    schedule: str = setting(
        "one-cycle", "Learning-rate schedule", group=OPTIMISER,
        choices={"one-cycle": "One cycle", "cosine": "Cosine", "constant": "Constant",
                 "plateau": "Reduce on plateau"},
    )  # fmt: skip
    gradient_clip: float = setting(
        0.0, "Gradient clipping", "Largest norm of the gradient; 0: no clipping.", group=OPTIMISER,
        low=0.0, high=1e6, step=0.1,
    )  # fmt: skip
    early_stopping: int = setting(
        0, "Early stopping", "Epochs without a better Dice (mean over images) after which to stop; 0: "
        "never.", group=LENGTH, low=0, high=10_000,
    )  # fmt: skip
    loss: str = setting(
        "bce+dice", "Loss", "Cross entropy is binary for one foreground and over the classes for several.",
        group=MODEL,
        choices={"bce+dice": "Cross entropy + Dice", "bce": "Cross entropy (BCE)", "dice": "Dice",
                 "focal": "Focal", "tversky": "Tversky", "lovasz": "Lovász"},
    )  # fmt: skip
    class_weights: str = setting(
        "none", "Class weights", "Balanced: rare classes weigh more in the loss.", group=MODEL,
        choices={"none": "None", "balanced": "Balanced"},
    )  # fmt: skip
    augmentation: str = setting(
        "standard", "Augmentation", "What each does is shown on the Data page, under Augmentation.",
        group=MODEL, choices=_alike("none", "tutorial", "light", "standard", "strong"),
    )  # fmt: skip
    flips: str = setting(
        "horizontal", "Flips", "Ways of augmentation to turn a photo over; quarter turns are for photos "
        "without an up and a down.", group=MODEL,
        choices={"none": "None", "horizontal": "Left and right", "both": "Also upside down",
                 "turns": "Also quarter turns"},
    )  # fmt: skip
    augmentation_strength: float = setting(
        1.0, "Augmentation strength", "1: as described.", group=MODEL, low=0.0, high=3.0, step=0.1
    )
    ema_decay: float = setting(
        0.0, "EMA decay", "Of the exponential moving average of the weights, which is then the model; 0: "
        "none.", group=RUN, low=0.0, high=0.99999, step=0.005,
    )  # fmt: skip
    images_per_epoch: int = setting(
        0, "Images per epoch", "0: all; of patches as many as cover the photos once.", low=0, high=10**9
    )
    training_images: int = setting(
        0, "Training images", "Chosen at random, by the seed; 0: all.", low=0, high=10**9
    )
    validation_images: int = setting(0, "Validation images", "0: all.", low=0, high=10**9)
    precision: str = setting(
        "auto",
        "Precision",
        "auto: bf16 where the hardware multiplies it.",
        choices=_alike("auto", "fp32", "bf16"),
    )
    channels_last: bool = True
    compile: str = setting("auto", "torch.compile", choices=_alike("auto", "on", "off"))
    device: str = setting("auto", "Device", "auto, cpu, cuda or cuda:N.")
    devices: int = setting(1, "Devices", "Processes on this machine that train together.", low=1, high=1024)
    loggers: str = setting(
        "tensorboard,csv", "Loggers", f"Any of {', '.join(LOGGERS)}, separated by commas.",
    )  # fmt: skip
    seed: int = setting(42, "Seed", group=RUN, low=0, high=2**32 - 1)
    name: str = setting("", "Name", "What the run and its model are called.", group=RUN)
    preset: str = ""

    def __post_init__(self) -> None:
        validate(self)
        unknown = set(self.logger_names) - set(LOGGERS)
        if unknown:
            raise UserError(f"There is no logger '{min(unknown)}': name any of {', '.join(LOGGERS)}.")
        if self.encoder_depth < max(DECODERS) and self.architecture not in STEPPED:
            raise UserError(
                f"encoder_depth {self.encoder_depth} does not go with {self.architecture}: "
                f"choose one of {', '.join(STEPPED)}."
            )
        least = SMALLEST_SIDES.get(self.architecture, SIZE_STEP)
        if min(self.height, self.width) < least:
            raise UserError(
                f"{self.architecture} takes no pictures below {least} pixels: {self.width} x {self.height} "
                "is too small."
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
        """The inverse of `to_dict`, of older runs too. Unknown keys and wrong types raise UserError."""
        values = {RENAMED.get(key, key): value for key, value in values.items()}
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
    """A named set of settings. The summary names no numbers, which a person may change."""

    name: str
    summary: str
    settings: dict[str, Any]


AUTO = "Auto"  # whose other settings core.training.planning decides, by the data
PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            AUTO,
            "Looks at the photos and masks first, and plans a training that fits them and the time.",
            {"minutes": 5.0},
        ),
        Preset(
            "Quick look",
            "A first result soon: few epochs of some of the photos, light augmentation.",
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
            "All photos, stronger augmentation, averaged weights: for results you keep.",
            {"epochs": 20, "batch_size": 8, "augmentation": "standard", "ema_decay": 0.98},
        ),
        Preset(
            "Tutorial recipe",
            "The U-Net tutorial as published: efficientnet-b3, BCE, Adam, large batches. Slow without a GPU.",
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
