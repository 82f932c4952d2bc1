"""Features of a photo from frozen encoders: computed once, then used by every stroke and every click."""

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from core.imaging.resizing import resize_picture
from core.models import pretrained
from core.models.factory import load_model
from core.models.preprocessing import LITE_PREPROCESSING, Preprocessing, fit_photo
from core.system.workspace import SHIPPED_MODELS

LONG_SIDE = 512  # pixels; at twice that small objects gain little, for four times the time
STRIDES = (4, 8, 16, 32)
FINEST = STRIDES[0]
LITE = "timm-tf_efficientnet_lite0"
PERSON = "person-lite0"
CACHED_PHOTOS = 400  # about 2 MB each


@dataclass(frozen=True, slots=True)
class PhotoFeatures:
    """Feature maps of one photo, float16 (channels, h, w) each, from fine to coarse, all covering the whole
    photo. `size` is the photo's own (height, width), `shape` the (h, w) of the finest grid."""

    maps: tuple[NDArray[np.float16], ...]
    size: tuple[int, int]
    shape: tuple[int, int]
    corners: tuple[tuple[float, float], ...]  # (rows, columns) of each map that the photo covers

    @property
    def channels(self) -> int:
        return sum(len(values) for values in self.maps)

    def at(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.float32]:
        """The features at pixels of the finest grid, interpolated: float32 (pixels, channels)."""
        return np.concatenate(
            [self._sampled(i, rows, columns) for i in range(len(self.maps))], axis=0, dtype=np.float32
        ).T

    def pooled(self) -> NDArray[np.float32]:
        """The mean of each feature over the photo: float32 (channels,)."""
        means = []
        for values, (rows, columns) in zip(self.maps, self.corners, strict=True):
            inner = values[:, : max(1, round(rows)), : max(1, round(columns))]
            means.append(inner.astype(np.float32).mean(axis=(1, 2)))
        return np.concatenate(means)

    def enlarge(self, index: int, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Maps (channels, h, w) of the grid of `maps[index]` on the finest grid: (channels, *shape).

        Linear in `values`, and the same interpolation as `at`.
        """
        rows, columns = self.corners[index]
        height, width = self.shape
        y = ((np.arange(height, dtype=np.float32) + 0.5) * (rows / height) - 0.5)[:, None]
        x = ((np.arange(width, dtype=np.float32) + 0.5) * (columns / width) - 0.5)[None]
        at_y, at_x = np.broadcast_to(y, self.shape).copy(), np.broadcast_to(x, self.shape).copy()
        return np.stack([_remap(one, at_x, at_y) for one in values])

    def _sampled(self, index: int, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.float32]:
        """Bilinear, with the border's value beyond the last centre, as cv2.remap has it."""
        covered, values = self.corners[index], self.maps[index]
        y = np.clip((rows + 0.5) * (covered[0] / self.shape[0]) - 0.5, 0, values.shape[1] - 1)
        x = np.clip((columns + 0.5) * (covered[1] / self.shape[1]) - 0.5, 0, values.shape[2] - 1)
        top, left = np.floor(y).astype(np.intp), np.floor(x).astype(np.intp)
        bottom, right = np.minimum(top + 1, values.shape[1] - 1), np.minimum(left + 1, values.shape[2] - 1)
        down, across = (y - top).astype(np.float32), (x - left).astype(np.float32)
        upper = values[:, top, left] * (1 - across) + values[:, top, right] * across
        lower = values[:, bottom, left] * (1 - across) + values[:, bottom, right] * across
        return np.asarray(upper * (1 - down) + lower * down, np.float32)


def photo_features(photo: NDArray[np.uint8]) -> PhotoFeatures:
    """The features of a photo, uint8 RGB (height, width, 3).

    Strides 4 to 32 of the ImageNet encoder and of the shipped person model's, colour (CIE Lab and its mean
    over a few pixels) and position.
    """
    padded, inner = fit_photo(photo, LONG_SIDE)
    grid = padded.shape[0] // FINEST, padded.shape[1] // FINEST
    shape = max(1, round(inner[0] / FINEST)), max(1, round(inner[1] / FINEST))
    maps = [_colours(photo, shape)]
    corners: list[tuple[float, float]] = [(shape[0], shape[1])]
    by_stride: dict[int, list[NDArray[np.float16]]] = {stride: [] for stride in STRIDES}
    for encoder, preprocessing in encoders():
        for values in _encoded(padded, encoder, preprocessing):
            by_stride[round(grid[0] * FINEST / values.shape[1])].append(values)
    for stride, found in by_stride.items():
        if found:
            maps.append(np.concatenate(found))
            corners.append((inner[0] / stride, inner[1] / stride))
    return PhotoFeatures(tuple(maps), (photo.shape[0], photo.shape[1]), shape, tuple(corners))


@functools.cache
def encoders() -> tuple[tuple[nn.Module, Preprocessing], ...]:
    """The frozen encoders: ImageNet's, where its package is installed, and the shipped person model's."""
    with _loading:
        found: list[tuple[nn.Module, Preprocessing]] = []
        if package := pretrained.local_package(LITE):
            import segmentation_models_pytorch as smp

            imagenet: nn.Module = smp.encoders.get_encoder(LITE, weights=None)
            pretrained.load_local(imagenet, package)
            found.append((imagenet.eval(), LITE_PREPROCESSING))
        if not found or (SHIPPED_MODELS / PERSON).is_dir():
            model, card = load_model(SHIPPED_MODELS / PERSON)
            found.append((model.get_submodule("encoder"), card.preprocessing))
        return tuple(
            (encoder.to(memory_format=torch.channels_last), preprocessing)  # type: ignore[call-overload]
            for encoder, preprocessing in found
        )


_loading = threading.Lock()


@torch.inference_mode()
def _encoded(
    padded: NDArray[np.uint8], encoder: nn.Module, preprocessing: Preprocessing
) -> list[NDArray[np.float16]]:
    batch = torch.from_numpy(np.ascontiguousarray(padded.transpose(2, 0, 1)))[None]
    images = preprocessing.normalise(batch).to(memory_format=torch.channels_last)
    return [values[0].contiguous().numpy().astype(np.float16) for values in encoder(images)[2:]]


def _colours(photo: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.float16]:
    """CIE Lab, its local mean, and position from -1 to 1: float16 (8, *shape)."""
    small = resize_picture(photo, shape)
    lab = cv2.cvtColor(small.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB) / np.float32(50)
    mean = cv2.blur(lab, (7, 7), borderType=cv2.BORDER_REFLECT)
    y, x = np.meshgrid(np.linspace(-1, 1, shape[0]), np.linspace(-1, 1, shape[1]), indexing="ij")
    return np.concatenate([lab.transpose(2, 0, 1), mean.transpose(2, 0, 1), [y, x]]).astype(np.float16)


def _remap(
    values: NDArray[np.float32], x: NDArray[np.float32], y: NDArray[np.float32]
) -> NDArray[np.float32]:
    found = cv2.remap(values, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32)


class FeatureCache:
    """The features of the photos used last, by whatever names them (a path, a hash). Thread-safe."""

    def __init__(self, photos: int = CACHED_PHOTOS) -> None:
        self._most = photos
        self._kept: OrderedDict[Hashable, PhotoFeatures] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, key: Hashable, read: Callable[[], NDArray[np.uint8]]) -> PhotoFeatures:
        """The features of the photo named `key`; only if they are not kept is the photo read and encoded."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        found = photo_features(read())
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return found
