"""Pictures made from a photo and a probability map: overlay, mask, error map."""

import base64
import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.imaging.label_resizing import resize_labels
from core.imaging.matting import blend
from core.imaging.palette import Rgb, class_colours
from core.imaging.png import png_file
from core.task import IGNORE, Task

# Okabe & Ito's palette, told apart with every common kind of colour blindness.
# Source: https://jfly.uni-koeln.de/color/
TRUE_POSITIVE: Rgb = (0, 158, 115)
FALSE_NEGATIVE: Rgb = (230, 159, 0)
FALSE_POSITIVE: Rgb = (204, 121, 167)
SUBJECT: Rgb = (0, 158, 255)


def overlay(
    photo: NDArray[np.uint8], probability: NDArray[np.float32], threshold: float, colour: Rgb = SUBJECT
) -> NDArray[np.uint8]:
    """Tint and outline the foreground. Shapes: (h, w, 3) and (h, w) -> (h, w, 3)."""
    inside = probability >= threshold
    tinted = photo.copy()
    tinted[inside] = (photo[inside] * 0.55 + np.array(colour) * 0.45).astype(np.uint8)
    contours, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    thickness = max(1, round(max(photo.shape[:2]) / 400))
    outlined = cv2.drawContours(tinted, contours, -1, (255, 255, 255), thickness, cv2.LINE_AA)
    return np.asarray(outlined, np.uint8)


def label_overlay(photo: NDArray[np.uint8], labels: NDArray[np.uint8], task: Task) -> NDArray[np.uint8]:
    """Tint each pixel by its class. Shapes: (h, w, 3) and (h, w) -> (h, w, 3)."""
    if task.kind == "binary":
        return overlay(photo, (labels == 1).astype(np.float32), 0.5)
    colours, known = label_colours(labels, task)
    blended = photo * np.float32(0.4) + colours * np.float32(0.6)
    return np.where(known[..., None], blended, photo).astype(np.uint8)


def label_colours(labels: NDArray[np.uint8], task: Task) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The colours of labels (h, w), uint8 (h, w, 3), and where there are labels, bool (h, w). The colours of
    several labels on one pixel are averaged."""
    table = class_colours(task.outputs)
    if task.kind != "multilabel":
        known = labels < task.outputs
        return table[np.where(known, labels, 0)], known
    bits = (labels[..., None] >> np.arange(task.outputs) & 1).astype(np.float32)
    count = bits.sum(axis=2, keepdims=True)
    mixed = (bits @ table.astype(np.float32)) / np.maximum(count, 1)
    return mixed.astype(np.uint8), count[..., 0] > 0


def mask_layer(labels: NDArray[np.uint8], task: Task) -> NDArray[np.uint8]:
    """Labels (h, w) as an overlay: RGBA uint8 (h, w, 4), transparent where there are none."""
    if task.kind == "binary":
        colours, known = np.full((*labels.shape, 3), SUBJECT, np.uint8), labels == 1
    else:
        colours, known = label_colours(labels, task)
    return np.dstack([colours, np.where(known, 255, 0).astype(np.uint8)])


def contour_layer(labels: NDArray[np.uint8], task: Task) -> NDArray[np.uint8]:
    """The outlines of labels (h, w) as an overlay: RGBA uint8 (h, w, 4)."""
    if task.kind == "binary":
        labels = (labels == 1).astype(np.uint8)
    size = 2 * max(1, round(max(labels.shape) / 500)) + 1
    kernel = np.ones((size, size), np.uint8)
    edges = cv2.morphologyEx(labels, cv2.MORPH_GRADIENT, kernel) > 0
    grown = cv2.dilate(labels, kernel) if task.kind == "binary" else labels
    layer = mask_layer(np.asarray(grown, np.uint8), task)
    layer[..., 3] = np.where(edges, 255, 0)
    return layer


def class_shares(labels: NDArray[np.uint8], task: Task) -> list[tuple[str, float]]:
    """The predicted classes and the fraction of pixels of each, largest first."""
    if task.kind == "multilabel":
        found = [(labels >> bit & 1).mean() for bit in range(task.outputs)]
    else:
        found = [(labels == index).mean() for index in range(task.outputs)]
    shares = [(name, float(share)) for name, share in zip(task.classes, found, strict=True) if share > 0]
    return sorted(shares, key=lambda entry: -entry[1])


def wrong_pixels(
    photo: NDArray[np.uint8], truth: NDArray[np.uint8], predicted: NDArray[np.uint8], task: Task
) -> NDArray[np.uint8]:
    """Wrong pixels in the colour of the predicted class, over a dimmed grey photo: RGB uint8 (h, w, 3)."""
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    picture = np.repeat((grey * 0.35 + 20).astype(np.uint8)[..., None], 3, axis=2)
    colours, _ = label_colours(predicted, task)
    wrong = truth != predicted
    if task.kind == "multiclass":
        wrong &= truth != IGNORE
    picture[wrong] = np.maximum(colours[wrong], 40)
    return picture


def mask_picture(probability: NDArray[np.float32], threshold: float) -> NDArray[np.uint8]:
    """0 and 255, uint8 (h, w)."""
    return np.where(probability >= threshold, 255, 0).astype(np.uint8)


def label_result(
    kind: str, photo: NDArray[np.uint8], labels: NDArray[np.uint8], task: Task
) -> NDArray[np.uint8]:
    """The "mask", which is the labels (h, w), or the "overlay" (h, w, 3), uint8."""
    return labels if kind == "mask" else label_overlay(photo, labels, task)


def on_checkerboard(rgba: NDArray[np.uint8], square: int = 12) -> NDArray[np.uint8]:
    """An RGBA picture on a checkerboard, which stands for transparency: RGB uint8."""
    height, width = rgba.shape[:2]
    rows, columns = np.arange(height) // square, np.arange(width) // square
    board = np.where((rows[:, None] + columns[None]) % 2, np.uint8(205), np.uint8(240))
    alpha = rgba[..., 3].astype(np.float32) / np.float32(255)
    return blend(np.ascontiguousarray(rgba[..., :3]), np.dstack([board] * 3), alpha)


def error_map(
    photo: NDArray[np.uint8], mask: NDArray[np.uint8], predicted: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """True positives, false negatives and false positives in colour over a dimmed grey photo: RGB uint8
    (h, w, 3). Void is not coloured."""
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    picture = np.repeat((grey * 0.45 + 30).astype(np.uint8)[..., None], 3, axis=2)
    truth, background = mask == 1, mask == 0
    for region, colour in (
        (truth & predicted, TRUE_POSITIVE),
        (truth & ~predicted, FALSE_NEGATIVE),
        (background & predicted, FALSE_POSITIVE),
    ):
        picture[region] = (picture[region] * 0.3 + np.array(colour) * 0.7).astype(np.uint8)
    return picture


def four_panels(
    photo: NDArray[np.uint8], truth: NDArray[np.uint8], predicted: NDArray[np.uint8], task: Task
) -> list[tuple[str, NDArray[np.uint8]]]:
    """Photo, ground truth, prediction and error map, each with its title."""
    if task.kind == "binary":
        errors = error_map(photo, truth, predicted.astype(bool))
    else:
        errors = wrong_pixels(photo, truth, predicted, task)
    return [
        ("Photo", photo),
        ("Ground truth", label_overlay(photo, truth, task)),
        ("Prediction", label_overlay(photo, predicted, task)),
        ("Errors", errors),
    ]


def display_size(picture: NDArray[np.uint8], long_side: int) -> NDArray[np.uint8]:
    """Shrink a picture so that its longer side is at most `long_side` pixels."""
    scale = long_side / max(picture.shape[:2])
    if scale >= 1:
        return picture
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def pair_picture(
    photo: NDArray[np.uint8], labels: NDArray[np.uint8], view: str, task: Task | None = None
) -> NDArray[np.uint8]:
    """A photo with labels of any resolution as "Overlay", "Photo" or "Mask", in which void is grey."""
    task = task or Task()
    if view == "Photo":
        return photo
    fitted = resize_labels(labels, photo.shape[:2])
    if view == "Overlay":
        return label_overlay(photo, fitted, task)
    if task.kind == "binary":
        return np.select([fitted == 1, fitted == IGNORE], [np.uint8(255), np.uint8(128)], np.uint8(0))
    colours, known = label_colours(fitted, task)
    return colours * known[..., None].astype(np.uint8)


def fit_map(probability: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Resize a probability map to (height, width)."""
    if probability.shape == size:
        return probability
    way = cv2.INTER_AREA if size[0] < probability.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(probability, (size[1], size[0]), interpolation=way), np.float32)


def foreground_share(probability: NDArray[np.float32], threshold: float) -> float:
    """The fraction of pixels at or above the threshold."""
    return float((probability >= threshold).mean())


def encode(picture: NDArray[np.uint8], form: str = "PNG") -> bytes:
    """A picture as the bytes of a PNG or JPEG file."""
    if form == "PNG":
        return png_file(picture)
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, form, quality=88)
    return stream.getvalue()


def data_url(picture: NDArray[np.uint8], form: str = "JPEG") -> str:
    """A picture for a component: a JPEG or PNG as a data URL."""
    kind = "jpeg" if form == "JPEG" else "png"
    return f"data:image/{kind};base64," + base64.b64encode(encode(picture, form)).decode()
