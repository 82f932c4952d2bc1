"""How an ONNX network from elsewhere wants its picture, and what its output means."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.errors import UserError
from core.models.preprocessing import IMAGENET_MEAN, IMAGENET_STD
from core.settings import setting, validate
from core.task import Task

Map = NDArray[np.float32]
Picture = NDArray[np.uint8]
Three = tuple[float, float, float]

NORMALISATIONS: dict[str, tuple[Three, Three]] = {
    "ImageNet": (IMAGENET_MEAN, IMAGENET_STD),
    "Mean 0.5, deviation 0.5 (-1 to 1)": ((0.5,) * 3, (0.5,) * 3),
    "Mean 0.5, deviation 1 (-0.5 to 0.5)": ((0.5,) * 3, (1.0,) * 3),
    "None": ((0.0,) * 3, (1.0,) * 3),
}

STEP = 32  # sizes that are free are multiples of it
LEAST, MOST = 32, 2048
CERTAIN = 1e-6  # probabilities are kept this far from 0 and 1, or their logits would be infinite


@dataclass(frozen=True, slots=True)
class OnnxSpec:
    """`height` and `width` are the input's, in pixels; where the sizes `are_free`, pictures that keep their
    shape get multiples of 32 of about that size. `mean` and `std` are of values after `scaling`. `output` and
    `channel` say which map is the foreground. Raises UserError for a value that is not allowed.
    """

    family: str = ""
    height: int = setting(320, "Height", "In pixels.", low=LEAST, high=MOST)
    width: int = setting(320, "Width", "In pixels.", low=LEAST, high=MOST)
    are_free: bool = False
    fit: str = setting(
        "stretch", "Fit", "How a photo is brought to this size.",
        choices={"stretch": "Stretched", "pad": "In its own shape, padded"},
    )  # fmt: skip
    scaling: str = setting(
        "255", "Values of a pixel", "Before the mean is subtracted.",
        choices={"255": "0 to 1", "max": "0 to 1, the photo's brightest is 1", "none": "0 to 255"},
    )  # fmt: skip
    mean: Three = IMAGENET_MEAN
    std: Three = IMAGENET_STD
    order: str = setting("RGB", "Colours", choices={"RGB": "RGB", "BGR": "BGR"})
    channels_last: bool = False
    output: int = 0
    channel: int = 0
    meaning: str = setting(
        "probability", "Output", "What the numbers of the map mean.",
        choices={
            "probability": "Probabilities", "logits": "Logits",
            "range": "Any range, stretched to 0 to 1 in each photo",
        },
    )  # fmt: skip

    def __post_init__(self) -> None:
        validate(self)
        if min(self.std) <= 0:
            raise UserError("std cannot be 0 or less.")

    @property
    def long_side(self) -> int:
        return max(self.height, self.width)

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "OnnxSpec":
        """The inverse of `to_dict`; unknown keys are ignored. Raises UserError, TypeError or ValueError."""
        known = {f.name for f in dataclasses.fields(cls)}
        kept = {key: value for key, value in values.items() if key in known}
        for key in ("mean", "std"):
            if key in kept:
                first, second, third = (float(value) for value in kept[key])
                kept[key] = first, second, third
        return cls(**kept)

    def fitted(self, photo: Picture, long_side: int = 0) -> tuple[Picture, tuple[int, int]]:
        """A photo, uint8 (h, w, 3), at the size of the input, and the (height, width) that it takes in its
        upper left corner. `long_side` in pixels, 0 for the usual one, counts where sizes are free."""
        if self.fit == "stretch":
            resized = Image.fromarray(photo).resize((self.width, self.height), Image.Resampling.LANCZOS)
            return np.asarray(resized, np.uint8), (self.height, self.width)
        height, width = photo.shape[:2]
        side = (long_side or self.long_side) if self.are_free else 0
        scale = side / max(height, width) if side else min(self.height / height, self.width / width)
        inner = max(1, round(height * scale)), max(1, round(width * scale))
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        fitted = cv2.resize(photo, inner[::-1], interpolation=way)
        whole = [n + -n % STEP for n in inner] if side else [self.height, self.width]
        bottom, right = whole[0] - inner[0], whole[1] - inner[1]
        padded = cv2.copyMakeBorder(fitted, 0, bottom, 0, right, cv2.BORDER_REFLECT)
        return np.asarray(padded, np.uint8), inner

    def tensor(self, pictures: Picture) -> Map:
        """Fitted photos, uint8 (n, h, w, 3), as the network's input: float32 (n, 3, h, w), or (n, h, w, 3) if
        it takes channels last."""
        values = pictures.astype(np.float32)
        if self.scaling == "255":
            values /= 255
        elif self.scaling == "max":  # as rembg: https://github.com/danielgatis/rembg
            values /= np.maximum(values.max(axis=(1, 2, 3), keepdims=True), 1e-6)
        mean, std = np.array(self.mean, np.float32), np.array(self.std, np.float32)
        values = (values - mean) / std
        if self.order == "BGR":
            values = values[..., ::-1]
        if not self.channels_last:
            values = values.transpose(0, 3, 1, 2)
        return np.ascontiguousarray(values, np.float32)

    def logits(self, given: Map, task: Task, size: tuple[int, int]) -> Map:
        """What the network gives for `tensor`, as logits float32 (n, outputs, *size).

        Raises UserError where it gives no map, or not one for each class.
        """
        maps = self._channels_first(given, task, size)
        maps = np.stack([[_resized(each, size) for each in channels] for channels in maps])
        if self.meaning == "logits":
            if task.kind != "binary" or maps.shape[1] == 1:
                return maps
            shares = np.exp(maps - maps.max(axis=1, keepdims=True))
            maps = shares / shares.sum(axis=1, keepdims=True)
        if task.kind == "multiclass":
            return np.log(np.clip(maps, CERTAIN, 1))
        probability = maps[:, self.channel : self.channel + 1] if task.kind == "binary" else maps
        if self.meaning == "range":
            low, high = (edge(axis=(1, 2, 3), keepdims=True) for edge in (probability.min, probability.max))
            probability = (probability - low) / np.maximum(high - low, CERTAIN)
        probability = np.clip(probability, CERTAIN, 1 - CERTAIN)
        return np.asarray(np.log(probability / (1 - probability)), np.float32)

    def _channels_first(self, given: Map, task: Task, size: tuple[int, int]) -> Map:
        maps = given[:, None] if given.ndim == 3 else given
        if given.ndim == 4 and are_last(given.shape, size, self.channels_last):
            maps = maps.transpose(0, 3, 1, 2)
        wanted = task.outputs if task.kind != "binary" else self.channel + 1
        if maps.ndim != 4 or maps.shape[1] < wanted or maps.shape[2] * maps.shape[3] < 2 or 0 in maps.shape:
            shape = "x".join(map(str, given.shape)) or "one number"
            what = "the foreground" if task.kind == "binary" else "each class"
            raise UserError(f"Output {self.output + 1} gives {shape}: a map for {what} is needed.")
        return np.nan_to_num(np.asarray(maps, np.float32))


def are_last(shape: Sequence[int], size: tuple[int, int], are_usually: bool) -> bool:
    """Whether the channels of an output of this shape, 0 for what is free, come last: a file that takes them
    last may give them first, and the other way round. Of the two ways, the one whose map has the shape of the
    input, `size` in pixels; where both or neither have, as `are_usually`."""
    first, last = (_is_alike((shape[i], shape[i + 1]), size) for i in (2, 1))
    return last if first != last else are_usually


def _is_alike(shape: tuple[int, int], size: tuple[int, int]) -> bool:
    """Whether a map has the shape of the input, to a pixel; a free side may be any."""
    height, width = shape
    if not height or not width:
        return height == width
    return abs(height * size[1] - width * size[0]) <= max(size)


def _resized(one: Map, size: tuple[int, int]) -> Map:
    if one.shape == size:
        return one
    return np.asarray(cv2.resize(one, size[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
