"""Matting: an alpha channel from a probability map, and the subject composed with a background."""

import cv2
import numpy as np
from numpy.typing import NDArray

from core.cutout_settings import Background, CutOutSettings
from core.imaging.edge_colours import foreground
from core.imaging.touching import separated

Map = NDArray[np.float32]
Picture = NDArray[np.uint8]

SOFT = 0.15  # alpha rises from 0 to 1 between threshold - SOFT and threshold + SOFT


def alpha_of(probability: Map, threshold: float, settings: CutOutSettings) -> Map:
    """The alpha channel, float32 (h, w) in 0..1: soft where the model is unsure.

    At least 0.5 where `probability` is at least `threshold`, unless components are dropped, holes filled
    or the edge is feathered.
    """
    alpha = np.clip((probability - (threshold - SOFT)) / np.float32(2 * SOFT), 0, 1).astype(np.float32)
    inside = (probability >= threshold).astype(np.uint8)
    kept = _kept(inside, settings)
    if kept is not inside:
        alpha *= _near(kept, alpha.shape)
        alpha[inside > kept] = 0
        inside = kept
    if settings.fill_holes:
        alpha = np.where(holes(inside) > 0, np.float32(1), alpha)
    if settings.feather > 0:
        sigma = settings.feather / 1000 * max(alpha.shape)
        alpha = cv2.GaussianBlur(alpha, (0, 0), max(0.3, sigma))
    return np.asarray(alpha, np.float32)


def _kept(inside: Picture, settings: CutOutSettings) -> Picture:
    """The components to keep; `inside` itself if all are."""
    kept = inside
    if settings.keep:
        kept = components_at(inside, settings.keep, settings.separate_touching)
    elif settings.only_largest:
        kept = largest_component(inside, settings.separate_touching)
    if settings.remove_specks and settings.smallest_component > 0:
        kept = large_components(kept, settings.smallest_component)
    return kept


def largest_component(inside: Picture, separate: bool = False) -> Picture:
    """The largest connected component of a mask of 0 and 1, uint8 (h, w), or with `separate` the largest
    object; empty if there is none."""
    count, labels = _labelled(inside, separate)
    if count < 2:
        return np.zeros_like(inside)
    areas = np.bincount(labels.ravel(), minlength=count)
    return np.asarray(labels == 1 + int(areas[1:].argmax()), np.uint8)


def large_components(inside: Picture, smallest: float) -> Picture:
    """The connected components of a mask of 0 and 1, uint8 (h, w), with an area of at least the fraction
    `smallest` of it."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(inside, connectivity=8)
    large = stats[:, cv2.CC_STAT_AREA] >= smallest * inside.size
    large[0] = False  # the background
    return np.asarray(large[labels], np.uint8)


def components_at(
    inside: Picture, points: tuple[tuple[float, float], ...], separate: bool = False
) -> Picture:
    """The connected components of a mask of 0 and 1, uint8 (h, w), that contain one of the points; with
    `separate` the objects that do."""
    height, width = inside.shape
    _, labels = _labelled(inside, separate)
    hit = {int(labels[min(height - 1, int(y * height)), min(width - 1, int(x * width))]) for x, y in points}
    return np.asarray(np.isin(labels, sorted(hit - {0})), np.uint8)


def _labelled(inside: Picture, separate: bool) -> tuple[int, NDArray[np.int32]]:
    if separate:
        return separated(inside)
    count, labels = cv2.connectedComponents(inside, connectivity=8)
    return count, np.asarray(labels, np.int32)


def holes(inside: Picture) -> Picture:
    """Background enclosed by the subject: 0 or 1, uint8 (h, w)."""
    outside = np.pad(1 - inside, 1, constant_values=1).astype(np.uint8)
    _, labels = cv2.connectedComponents(outside, connectivity=4)
    return np.asarray((labels[1:-1, 1:-1] != labels[0, 0]) & (inside == 0), np.uint8)


def compose(photo: Picture, alpha: Map, background: Background, decontaminate: bool = True) -> Picture:
    """The subject on a background: RGB uint8 (h, w, 3), or RGBA (h, w, 4) if that is transparent."""
    if background.kind == "transparent":
        colours = foreground(photo, alpha) if decontaminate else photo
        rgba = cv2.cvtColor(colours, cv2.COLOR_RGB2RGBA)
        rgba[..., 3] = cv2.convertScaleAbs(alpha, alpha=255)
        return np.asarray(rgba, np.uint8)
    behind = _behind(photo, alpha, background)
    keeps_colours = background.kind in ("blur", "grey")  # the new background has the old one's colours
    colours = photo if keeps_colours or not decontaminate else foreground(photo, alpha)
    return blend(colours, behind, alpha)


def blend(upper: Picture, lower: Picture, alpha: Map) -> Picture:
    """alpha * upper + (1 - alpha) * lower: uint8 (h, w, 3)."""
    return np.asarray(cv2.blendLinear(upper, lower, alpha, 1 - alpha), np.uint8)


def _behind(photo: Picture, alpha: Map, background: Background) -> Picture:
    height, width = photo.shape[:2]
    if background.kind == "colour":
        return np.full_like(photo, background.colour)
    if background.kind == "blur":
        return _blurred(photo, alpha, background.strength)
    if background.kind == "grey":
        return np.repeat(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    picture = background.picture
    return np.full_like(photo, 255) if picture is None else _covering(picture, height, width)


def _blurred(photo: Picture, alpha: Map, strength: float) -> Picture:
    """The background blurred. The subject's colours are excluded, so that it has no halo."""
    sigma = max(0.5, strength * 0.04 * max(photo.shape[:2]))
    small = max(1, int(sigma // 4))  # a wide blur does not need every pixel
    size = max(1, photo.shape[1] // small), max(1, photo.shape[0] // small)
    weight = cv2.resize(1 - alpha, size, interpolation=cv2.INTER_AREA)[..., None] + np.float32(1e-3)
    colours = cv2.resize(photo, size, interpolation=cv2.INTER_AREA).astype(np.float32) * weight
    both = cv2.GaussianBlur(np.dstack([colours, weight]), (0, 0), max(0.5, sigma / small))
    behind = both[..., :3] / both[..., 3:]
    resized = cv2.resize(
        np.asarray(behind, np.float32), (photo.shape[1], photo.shape[0]), interpolation=cv2.INTER_LINEAR
    )
    return np.clip(resized, 0, 255).astype(np.uint8)


def _covering(picture: Picture, height: int, width: int) -> Picture:
    """A picture scaled and cropped to fill (height, width)."""
    scale = max(height / picture.shape[0], width / picture.shape[1])
    size = max(width, round(picture.shape[1] * scale)), max(height, round(picture.shape[0] * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    resized = cv2.resize(picture, size, interpolation=way)
    top, left = (resized.shape[0] - height) // 2, (resized.shape[1] - width) // 2
    return np.asarray(resized[top : top + height, left : left + width], np.uint8)


def _near(kept: Picture, shape: tuple[int, ...]) -> Map:
    """The kept components, dilated by the width of their soft edge."""
    reach = 2 * max(1, round(max(shape) / 100)) + 1
    return cv2.dilate(kept, np.ones((reach, reach), np.uint8)).astype(np.float32)
