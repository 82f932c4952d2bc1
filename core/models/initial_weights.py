"""Where the weights came from that a training starts with, as a value and in words."""

from dataclasses import dataclass
from enum import StrEnum


class Origin(StrEnum):
    """`{detail}` is the model's name, or why the download failed."""

    LOCAL_PACKAGE = "ImageNet (local package)"
    HUB = "ImageNet (model hub)"
    HUB_CACHE = "ImageNet (model hub, downloaded before)"
    MODEL = "those of {detail}"
    ENCODER_OF_MODEL = "the encoder's of {detail}"
    ALL_BUT_LAST_LAYER = "those of {detail}, but for the last layer"
    RANDOM_AS_ASKED = "random (asked for)"
    NONE_EXIST = "random (no ImageNet weights exist for this encoder)"
    HUB_UNREACHABLE = (
        "random (the model hub cannot be reached; only efficientnet-lite0 comes with the project)"
    )
    HUB_FAILED = "random (the model hub failed: {detail})"


@dataclass(frozen=True, slots=True)
class InitialWeights:
    origin: Origin
    detail: str = ""

    @property
    def are_missing(self) -> bool:
        """Whether pretrained weights were requested but the training has to start from random ones."""
        return self.origin in (Origin.NONE_EXIST, Origin.HUB_UNREACHABLE, Origin.HUB_FAILED)

    def __str__(self) -> str:
        return self.origin.replace("{detail}", self.detail)
