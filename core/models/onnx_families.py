"""Families of free networks, by the names and shapes of their files, with the preprocessing they were trained
on.

Sources: the sessions of https://github.com/danielgatis/rembg; https://github.com/ZHKKKe/MODNet;
https://huggingface.co/briaai; https://github.com/ZhengPeng7/BiRefNet; MediaPipe's graphs for selfie
segmentation, https://github.com/google-ai-edge/mediapipe.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.errors import UserError
from core.models.onnx_check import OnnxInfo
from core.models.onnx_spec import OnnxSpec, are_last
from core.models.preprocessing import IMAGENET_MEAN, IMAGENET_STD
from core.task import Task

HALF: tuple[float, float, float] = (0.5, 0.5, 0.5)
ONE: tuple[float, float, float] = (1.0, 1.0, 1.0)
ZERO: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Family:
    """`names` is a regular expression for the file's name, without its ending."""

    name: str
    names: str
    spec: OnnxSpec
    subject: str = ""
    licence: str = ""


def _of(family: str, side: int, mean: Any, std: Any, **more: Any) -> OnnxSpec:
    return OnnxSpec(family, side, side, mean=mean, std=std, **more)


U2NET = _of("U2-Net", 320, IMAGENET_MEAN, IMAGENET_STD, scaling="max", meaning="range")
ISNET = _of("IS-Net", 1024, HALF, ONE, scaling="max", meaning="range")
FAMILIES = (
    Family("U2-Net", r"u2net_human_seg|u2net_human", U2NET, "people", "Apache-2.0"),
    Family("U2-Net", r"u2net|u2netp|u2-net", U2NET, "the main subject", "Apache-2.0"),
    Family("U2-Net (silueta)", r"silueta", replace(U2NET, family="U2-Net (silueta)"), "the main subject"),
    Family(
        "IS-Net (anime)", r"isnet-anime|isnetis",
        _of("IS-Net (anime)", 1024, IMAGENET_MEAN, ONE, scaling="max", meaning="range"), "drawn characters",
    ),
    Family("IS-Net", r"isnet[\w-]*", ISNET, "the main subject", "Apache-2.0"),
    Family(
        "RMBG 2.0", r"(bria-)?rmbg-?2[\w.-]*", _of("RMBG 2.0", 1024, IMAGENET_MEAN, IMAGENET_STD),
        "the main subject", "CC BY-NC 4.0",
    ),
    Family(
        "RMBG 1.4", r"bria-rmbg|(bria-)?rmbg(-?1[\w.-]*)?", replace(ISNET, family="RMBG 1.4"),
        "the main subject", "bria-rmbg-1.4: non-commercial",
    ),
    Family(
        "BiRefNet", r"birefnet[\w-]*",
        _of("BiRefNet", 1024, IMAGENET_MEAN, IMAGENET_STD, scaling="max", meaning="logits"),
        "the main subject", "MIT",
    ),
    Family(
        "MODNet", r"modnet[\w-]*", _of("MODNet", 512, HALF, HALF, fit="pad"), "people", "Apache-2.0",
    ),
    Family(
        "MediaPipe selfie segmentation", r"(mediapipe[_-])?selfie[_-]?(segmentation|segmenter)?[\w-]*",
        _of("MediaPipe selfie segmentation", 256, ZERO, ONE), "people", "Apache-2.0",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Guess:
    """How a file is to be used. `is_known`: its metadata or its family say so, else it is to be asked.
    `long_side` and `threshold` are the card's."""

    spec: OnnxSpec
    task: Task
    is_known: bool
    subject: str = ""
    licence: str = ""
    threshold: float = 0.5
    outputs: tuple[str, ...] = ()
    shapes: tuple[tuple[int, ...], ...] = ()

    def channels_of(self, output: int) -> int:
        """The number of channels of one output; 1 where the file does not say."""
        shape = self.shapes[output] if output < len(self.shapes) else ()
        if len(shape) != 4:
            return 1
        size = self.spec.height, self.spec.width
        return max(1, shape[3] if are_last(shape, size, self.spec.channels_last) else shape[1])

    def classes_of(self, output: int) -> Task:
        """Each channel of one output as a class."""
        count = self.channels_of(output)
        return Task("multiclass", tuple(f"class {i}" for i in range(count)), tuple(range(count)))


def guessed(info: OnnxInfo, name: str) -> Guess:
    """How a file called `name` is to be used: from its metadata, its name, its shapes, or else as most
    networks are: ImageNet's mean and deviation."""
    names, shapes = tuple(name for name, _ in info.outputs), tuple(shape for _, shape in info.outputs)
    found = replace(_exported_here(info) or _by_family(info, name), outputs=names, shapes=shapes)
    if found.is_known:
        return found
    # Of several channels the first is usually the background.
    return replace(found, spec=replace(found.spec, channel=min(1, found.channels_of(0) - 1)))


def _by_family(info: OnnxInfo, name: str) -> Guess:
    family = family_of(name) or _by_shape(info)
    spec = family.spec if family else OnnxSpec()
    return Guess(
        _at_size(spec, info), Task(), family is not None,
        family.subject if family else "", family.licence if family else "",
    )  # fmt: skip


def family_of(name: str) -> Family | None:
    """The family that a file's name stands for."""
    stem = re.sub(r"\.onnx$", "", name.lower())
    return next((family for family in FAMILIES if re.fullmatch(family.names, stem)), None)


def _by_shape(info: OnnxInfo) -> Family | None:
    """U2-Net gives its map and six side maps of 320x320 pixels."""
    if info.size == (320, 320) and len(info.outputs) == 7:
        return next(family for family in FAMILIES if family.spec is U2NET and family.subject != "people")
    return None


def _at_size(spec: OnnxSpec, info: OnnxInfo) -> OnnxSpec:
    """The spec with the sizes that the file is bound to."""
    height, width = info.size
    return replace(
        spec,
        height=height or spec.height, width=width or spec.width,
        are_free=not (height or width), channels_last=info.channels_last,
    )  # fmt: skip


def _exported_here(info: OnnxInfo) -> Guess | None:
    """What an export of this project wrote into the file; None where it is of another program."""
    try:
        about: Mapping[str, Any] = {key: json.loads(value) for key, value in info.metadata.items()}
        side, size = int(about["long_side"]), about["size"]
        spec = OnnxSpec.from_dict({
            "height": size[0] if size else side, "width": size[1] if size else side, "are_free": not size,
            "fit": "pad", "mean": about["mean"], "std": about["std"], "meaning": "logits",
        })  # fmt: skip
        classes = tuple(str(name) for name in about["classes"])
        values = tuple(range(len(classes))) if about["task"] == "multiclass" else ()
        return Guess(spec, Task(str(about["task"]), classes, values), True, "", "", float(about["threshold"]))
    except (KeyError, TypeError, ValueError, IndexError, UserError):
        return None
