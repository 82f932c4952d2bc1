"""What a browser sends: what was done on a photo, checked before anything is made of it."""

import base64
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.data.photos import reading
from core.errors import UserError
from core.labelling.history import Kind
from core.labelling.prompts import Box, Click, Prompt, Stroke

MAX_POINTS = 5000  # of one stroke
MAX_PATCH = 50_000_000  # bytes of a PNG
PNG = b"\x89PNG\r\n\x1a\n"  # how such a file begins
UNCHANGED = 254  # of a painted patch: the pixel stays what it is
SENT = frozenset(Kind) - {Kind.START, Kind.PREDICTION, Kind.REOPEN}
GARBLED = "What you drew did not arrive whole: draw it again."


@dataclass(frozen=True, slots=True)
class Patch:
    """Painted ids up to `classes`, as a PNG whose upper left pixel is at (top, left) of the photo; UNCHANGED
    where nothing was painted."""

    top: int
    left: int
    png: bytes
    classes: int

    def on(self, ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The mask with this painted on it. Raises UserError if it reaches beyond the photo, or is no patch.

        Decoded only here, and only if it is no larger than the photo: a small file may hold a huge picture.
        """
        with reading("The painted mask", GARBLED):
            picture = Image.open(io.BytesIO(self.png), formats=["PNG"])
            width, height = picture.size
        if (
            self.top < 0
            or self.left < 0
            or self.top + height > ids.shape[0]
            or self.left + width > ids.shape[1]
        ):
            raise UserError("What you painted is of another photo: reload the page.")
        with reading("The painted mask", GARBLED):
            painted = np.asarray(picture.convert("RGB"))[..., 0]
        if not np.isin(painted, [*range(self.classes + 1), UNCHANGED]).all():
            raise UserError(GARBLED)
        changed = ids.copy()
        place = changed[self.top : self.top + height, self.left : self.left + width]
        np.copyto(place, painted, where=painted != UNCHANGED)
        return changed


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that was done. `number` counts what the tab has sent; `label` is the class that was chosen;
    `data` is what the history keeps."""

    number: int
    kind: Kind
    label: int
    data: dict[str, Any]
    prompt: Prompt | None = None
    patch: Patch | None = None


def action_from(sent: Mapping[str, Any], classes: int) -> Action:
    """Raises UserError for anything that the canvas does not send."""
    try:
        kind, number, label = Kind(sent["kind"]), int(sent["number"]), int(sent.get("label", 1))
        if kind not in SENT or not 0 <= label <= classes:
            raise UserError(GARBLED)
        data = {"label": label}
        if kind is Kind.PAINT:
            patch = _patch(sent["patch"], classes)
            return Action(number, kind, label, {**data, "tool": str(sent.get("tool", ""))[:20]}, patch=patch)
        if kind in (Kind.CLICK, Kind.STROKE, Kind.BOX):
            geometry = _geometry(kind, sent["at"])
            return Action(number, kind, label, data | geometry, prompt_of(kind, data | geometry))
        return Action(number, kind, label, data)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UserError(GARBLED) from error


def prompt_of(kind: Kind, data: Mapping[str, Any]) -> Prompt:
    """The prompt that the history keeps as `data`. A negative stroke is one of the background."""
    label = int(data["label"])
    if kind is Kind.CLICK:
        return Click(data["x"], data["y"], bool(data["positive"]), label)
    if kind is Kind.STROKE:
        points = tuple((float(x), float(y)) for x, y in data["points"])
        return Stroke(points, data["radius"], label if data["positive"] else 0)
    left, top, right, bottom = data["box"]
    return Box(left, top, right, bottom, label)


def _geometry(kind: Kind, at: Mapping[str, Any]) -> dict[str, Any]:
    if kind is Kind.BOX:
        left, top, right, bottom = (_number(v) for v in at["box"])
        return {"box": [min(left, right), min(top, bottom), max(left, right), max(top, bottom)]}
    positive = bool(at.get("positive", True))
    if kind is Kind.CLICK:
        return {"x": _number(at["x"]), "y": _number(at["y"]), "positive": positive}
    points = [[_number(x), _number(y)] for x, y in at["points"]]
    if not 0 < len(points) <= MAX_POINTS:
        raise UserError(GARBLED)
    return {"points": points, "radius": max(0.5, _number(at["radius"])), "positive": positive}


def _number(value: Any) -> float:
    """A coordinate to a hundredth of a pixel."""
    number = round(float(value), 2)
    if not math.isfinite(number) or abs(number) > 1e6:
        raise UserError(GARBLED)
    return number


def _patch(sent: Mapping[str, Any], classes: int) -> Patch:
    head, _, body = str(sent["png"]).partition(",")
    if head != "data:image/png;base64" or len(body) > MAX_PATCH * 4 / 3:
        raise UserError(GARBLED)
    png = base64.b64decode(body, validate=True)
    if not png.startswith(PNG):
        raise UserError(GARBLED)
    return Patch(int(sent["top"]), int(sent["left"]), png, classes)


def png_url(png: bytes) -> str:
    """A grey PNG of ids as the canvas takes it: a data URL."""
    return "data:image/png;base64," + base64.b64encode(png).decode()
