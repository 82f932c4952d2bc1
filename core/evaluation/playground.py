"""Two shapes on a small canvas, ground truth and prediction, whose scores are counted as they are dragged."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.imaging.rendering import FALSE_NEGATIVE, FALSE_POSITIVE, TRUE_POSITIVE

if TYPE_CHECKING:
    from core.evaluation.metrics import Counts

HEIGHT, WIDTH = 60, 96  # pixels of the canvas, large enough to count and small enough to see
BACKGROUND = (236, 238, 240)


@dataclass(frozen=True, slots=True)
class Shape:
    """An "ellipse" or a "rectangle": left and top corner, width and height in pixels; empty where either
    is below 1."""

    kind: str
    x: float
    y: float
    width: float
    height: float

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Shape":
        """What the page sends, limited to the canvas."""
        kind = "rectangle" if values.get("kind") == "rectangle" else "ellipse"
        numbers = [float(values.get(name, 0)) for name in ("x", "y", "width", "height")]
        x, y, width, height = (n if np.isfinite(n) else 0.0 for n in numbers)
        return cls(kind, np.clip(x, -WIDTH, WIDTH), np.clip(y, -HEIGHT, HEIGHT),
                   np.clip(width, 0, 2 * WIDTH), np.clip(height, 0, 2 * HEIGHT))  # fmt: skip

    def mask(self) -> NDArray[np.uint8]:
        """The pixels whose middle lies inside: 0 or 1, uint8 (HEIGHT, WIDTH)."""
        if self.width < 1 or self.height < 1:
            return np.zeros((HEIGHT, WIDTH), np.uint8)
        rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
        u = (columns - self.x) / self.width * 2 - 1
        v = (rows - self.y) / self.height * 2 - 1
        inside = u * u + v * v <= 1 if self.kind == "ellipse" else np.maximum(abs(u), abs(v)) <= 1
        return np.asarray(inside, np.uint8)


@dataclass(frozen=True, slots=True)
class Scene:
    """Ground truth and prediction, and what they teach."""

    truth: Shape
    prediction: Shape
    lesson: str = ""

    def swapped(self) -> "Scene":
        return replace(self, truth=self.prediction, prediction=self.truth)


SCENES = {
    "A good prediction": Scene(
        Shape("ellipse", 30, 10, 36, 40), Shape("ellipse", 33, 12, 36, 38),
        "Most of the shape is found. Drag the shapes, or their corners, and watch the scores.",
    ),
    "Nothing found": Scene(
        Shape("ellipse", 60, 20, 16, 14), Shape("ellipse", 0, 0, 0, 0),
        "The subject is small, so most pixels are background and predicted as background. Pixel accuracy is "
        "high although nothing was found; IoU and Dice measure the subject alone, and are 0.",
    ),
    "Prediction too large": Scene(
        Shape("ellipse", 36, 18, 22, 24), Shape("rectangle", 24, 6, 48, 48),
        "Everything is found, and much else: recall is 1, precision is low. Swap the shapes to swap the two.",
    ),
    "Prediction too small": Scene(
        Shape("rectangle", 24, 6, 48, 48), Shape("ellipse", 36, 18, 22, 24),
        "All of the prediction is right, but most of the subject is missed: precision is 1, recall is low.",
    ),
    "No overlap": Scene(
        Shape("rectangle", 12, 18, 26, 24), Shape("rectangle", 46, 18, 26, 24),
        "The right size in the wrong place. IoU and Dice are 0, however near it is.",
    ),
    "Half overlap": Scene(
        Shape("rectangle", 18, 15, 40, 30), Shape("rectangle", 38, 15, 40, 30),
        "Half of each shape covers the other: IoU is 1/3 and Dice 1/2. Dice is never lower than IoU, and on "
        "one image both rank models alike.",
    ),
    "Small subject, two pixels off": Scene(
        Shape("rectangle", 44, 26, 6, 6), Shape("rectangle", 46, 28, 6, 6),
        "The error is only two pixels, but the subject is small: Dice falls by more than half. Keep that in "
        "mind when you compare models on small subjects.",
    ),
}  # fmt: skip


def count(scene: Scene) -> "Counts":
    """The confusion counts of the canvas, by the same code as every score of the app."""
    import torch

    from core.evaluation import metrics

    both = torch.from_numpy(scene.prediction.mask())[None], torch.from_numpy(scene.truth.mask())[None]
    return metrics.count(*both)


def picture(scene: Scene) -> NDArray[np.uint8]:
    """True positives, false negatives and false positives in colour: RGB uint8 (HEIGHT, WIDTH, 3)."""
    truth, found = scene.truth.mask() > 0, scene.prediction.mask() > 0
    canvas = np.full((HEIGHT, WIDTH, 3), BACKGROUND, np.uint8)
    for region, colour in (
        (truth & found, TRUE_POSITIVE),
        (truth & ~found, FALSE_NEGATIVE),
        (~truth & found, FALSE_POSITIVE),
    ):
        canvas[region] = colour
    return canvas
