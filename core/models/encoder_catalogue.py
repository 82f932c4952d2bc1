"""The encoders: a few recommended ones, then everything smp offers, with the cost of each.

Imports no torch, so that the page opens at once; a test compares the list with smp.
"""

import csv
import functools
from dataclasses import dataclass
from pathlib import Path

from core.config import DEFAULT_ENCODER, DPT_ENCODER

SUGGESTED: dict[str, str] = {
    "timm-tf_efficientnet_lite0": "efficientnet-lite0 · weights included",
    "mit_b0": "mit_b0 · light transformer",
    "resnet18": "resnet18 · fast classic",
    "resnet34": "resnet34 · classic",
    "efficientnet-b3": "efficientnet-b3 · the tutorial's",
}

OTHERS: tuple[str, ...] = (
    "densenet121", "densenet161", "densenet169", "densenet201", "dpn107", "dpn131", "dpn68",
    "dpn68b", "dpn92", "dpn98", "efficientnet-b0", "efficientnet-b1", "efficientnet-b2",
    "efficientnet-b3", "efficientnet-b4", "efficientnet-b5", "efficientnet-b6", "efficientnet-b7",
    "inceptionresnetv2", "inceptionv4", "mit_b0", "mit_b1", "mit_b2", "mit_b3", "mit_b4", "mit_b5",
    "mobilenet_v2", "mobileone_s0", "mobileone_s1", "mobileone_s2", "mobileone_s3", "mobileone_s4",
    "resnet101", "resnet152", "resnet18", "resnet34", "resnet50", "resnext101_32x16d",
    "resnext101_32x32d", "resnext101_32x48d", "resnext101_32x4d", "resnext101_32x8d",
    "resnext50_32x4d", "se_resnet101", "se_resnet152", "se_resnet50", "se_resnext101_32x4d",
    "se_resnext50_32x4d", "senet154", "timm-efficientnet-b0", "timm-efficientnet-b1",
    "timm-efficientnet-b2", "timm-efficientnet-b3", "timm-efficientnet-b4", "timm-efficientnet-b5",
    "timm-efficientnet-b6", "timm-efficientnet-b7", "timm-efficientnet-b8", "timm-efficientnet-l2",
    "timm-skresnet18", "timm-skresnet34", "timm-skresnext50_32x4d", "timm-tf_efficientnet_lite0",
    "timm-tf_efficientnet_lite1", "timm-tf_efficientnet_lite2", "timm-tf_efficientnet_lite3",
    "timm-tf_efficientnet_lite4", "vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn",
    "vgg19", "vgg19_bn", "xception",
)  # fmt: skip


# Of timm's own networks, one or two of each family that is good at its size.
TIMM_SELECTION: tuple[str, ...] = (
    "tu-mobilenetv3_large_100", "tu-mobilenetv4_conv_small", "tu-mobilenetv4_conv_medium",
    "tu-efficientvit_b0", "tu-repvit_m0_9", "tu-fastvit_t8", "tu-ghostnetv2_100", "tu-edgenext_small",
    "tu-tf_efficientnetv2_b0", "tu-tf_efficientnetv2_s", "tu-regnety_004", "tu-regnety_016",
    "tu-resnet50d", "tu-res2net50_26w_4s", "tu-resnest14d", "tu-hrnet_w18", "tu-convnext_atto",
    "tu-convnext_tiny", "tu-convnextv2_atto", "tu-swinv2_tiny_window8_256", "tu-pvt_v2_b0",
    "tu-mambaout_femto", "tu-maxvit_nano_rw_256", "tu-inception_next_tiny", DPT_ENCODER,
)  # fmt: skip
TABLE_FILE = Path(__file__).with_name("encoders.csv")
TIMM_FILE = Path(__file__).with_name("timm_encoders.csv")
IMAGENET_FILE = Path(__file__).with_name("imagenet.csv")


@dataclass(frozen=True, slots=True)
class Facts:
    """One row of the table that benchmarks/encoders.py measures: a U-Net with this encoder at 256x192."""

    works: str
    encoder_parameters: int
    parameters: int
    gmacs: float
    memory_mb: float
    images_per_second: float


def all_encoders() -> list[str]:
    """The encoders of smp, recommended ones first."""
    return [*SUGGESTED, *(name for name in OTHERS if name not in SUGGESTED)]


def offered_encoders() -> list[str]:
    """For the page: those of smp and a selection of timm's, without those known to fail."""
    known = facts()
    listed = [*all_encoders(), *TIMM_SELECTION]
    return [n for n in listed if n not in known or known[n].works == "yes" or n == DPT_ENCODER]


@functools.cache
def facts() -> dict[str, Facts]:
    """The measurements by encoder; empty if the table is missing."""
    if not TABLE_FILE.is_file():
        return {}
    with open(TABLE_FILE, encoding="utf-8", newline="") as file:
        return {
            row["encoder"]: Facts(
                row["works"],
                int(row["encoder_parameters"]),
                int(row["parameters"]),
                float(row["gmacs"]),
                float(row["memory_mb"]),
                float(row["images_per_second"]),
            )
            for row in csv.DictReader(file)
            if row["architecture"] == "Unet"
        }


def cost(encoder: str) -> str:
    """An encoder's cost in words, compared with the default; "" if it was never measured."""
    known = facts()
    if encoder not in known or known[encoder].works != "yes":
        return ""
    own, default = known[encoder], known.get(DEFAULT_ENCODER)
    words = f"{own.parameters / 1e6:.1f} M parameters · {own.gmacs:.1f} GMACs a photo of 192 x 256 px"
    if default and default.images_per_second and encoder != DEFAULT_ENCODER:
        share = own.images_per_second / default.images_per_second
        words += f" · trains {share:.2g} times as fast as {short_name(DEFAULT_ENCODER)}"
    return words


def short_name(encoder: str) -> str:
    """The name without the prefix of its library."""
    return encoder.removeprefix("timm-").removeprefix("tu-").removeprefix("tf_").replace("_", "-")


def describe(encoder: str) -> str:
    return f"{encoder} · for DPT" if encoder == DPT_ENCODER else SUGGESTED.get(encoder, encoder)
