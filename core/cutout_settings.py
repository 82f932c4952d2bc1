"""The settings of a cut-out, the same for the page, the command line, REST, zips and video."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from core.errors import UserError
from core.settings import setting, validate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MIN_LONG_SIDE, MAX_LONG_SIDE = 64, 2048
MAX_RADIUS = 0.1  # of a correction
MAX_TILES = 4  # along each side
BACKGROUNDS = {
    "transparent": "Transparent", "colour": "Colour", "blur": "Blur", "picture": "Picture",
    "grey": "Grey",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Background:
    """The new background. `colour` is RGB; `picture` RGB uint8 (h, w, 3) of any size.

    Comparing two backgrounds does not compare the pixels of their pictures: `picture_id` tells those apart.
    """

    kind: str = setting("transparent", "Background", choices=BACKGROUNDS)
    colour: tuple[int, int, int] = (255, 255, 255)
    strength: float = setting(0.4, "Strength", "Of the blur.", low=0, high=1, step=0.05)
    picture: "NDArray[np.uint8] | None" = field(default=None, compare=False)
    picture_id: str = ""

    def __post_init__(self) -> None:
        validate(self)

    @classmethod
    def named(cls, text: str) -> "Background":
        """Parse `none`, `blur`, `grey` or `#RRGGBB`. Raises UserError for anything else."""
        if text in ("", "none"):
            return cls()
        if text in ("blur", "grey"):
            return cls(text)
        try:
            red, green, blue = bytes.fromhex(text.removeprefix("#"))
        except ValueError:
            raise UserError(f"background cannot be '{text[:40]}': use #RRGGBB, blur, grey or none.") from None
        return cls("colour", (red, green, blue))


@dataclass(frozen=True, slots=True)
class Correction:
    """A click or a stroke by hand: what lies under it is the subject (`keep`) or is not. `points` are x and y
    as fractions of width and height, one for a click; `radius` is a fraction of the longer side. Raises
    UserError for points outside of the photo."""

    keep: bool
    points: tuple[tuple[float, float], ...]
    radius: float = 0.01

    def __post_init__(self) -> None:
        inside = all(0 <= value <= 1 for point in self.points for value in point)
        if not self.points or not inside or not 0 < self.radius <= MAX_RADIUS:
            raise UserError("A correction is outside the photo: draw it again.")


@dataclass(frozen=True, slots=True)
class CutOutSettings:
    """All settings of the cut-out pipeline, in the order in which they act; see core.inference.cutout.

    `threshold`, `long_side` and `refine_edges` are the model's own where they are None. `corrections` by hand
    change the prediction before its edges are refined. `keep` holds points, x and y as fractions of width and
    height: where there are any, only the components that hold one stay. Raises UserError for a value that is
    not allowed.
    """

    threshold: float | None = setting(
        None, "Threshold", "The probability from which a pixel counts as subject.",
        low=0, high=1, step=0.01,
    )  # fmt: skip
    long_side: int | None = setting(
        None, "Longer side", "The photo is resized to this many pixels on its longer side before prediction.",
        low=MIN_LONG_SIDE, high=MAX_LONG_SIDE,
    )  # fmt: skip
    flip: bool = setting(
        False, "Flip",
        "Average with the prediction of the mirrored photo. Takes twice the time; the shipped model does not "
        "gain significantly.",
    )  # fmt: skip
    scales: bool = setting(
        False, "Scales",
        "Average with predictions at 3/4 and 5/4 of the size. Takes three times the time; the shipped model "
        "does not gain significantly.",
    )  # fmt: skip
    tiles: int = setting(
        1, "Tiles a side",
        "Average with predictions of overlapping tiles, for small subjects in large photos. 2 x 2 tiles take "
        "five times the time and gained 0.07 Dice (mean over images) on subjects of half the usual size; "
        "3 x 3 take ten times and gained 0.13 on a third of it. Large subjects gain nothing.",
        low=1, high=MAX_TILES,
    )  # fmt: skip
    refine_edges: bool | None = setting(
        None, "Refine edges",
        "Align the mask to the photo's edges with a guided filter. Takes a few hundredths of a second. It "
        "harms thin structures.",
    )  # fmt: skip
    only_largest: bool = setting(False, "Only the largest component", "Drop all other components.")
    corrections: tuple[Correction, ...] = ()
    keep: tuple[tuple[float, float], ...] = ()
    smallest_component: float = setting(
        0.001, "Smallest component", "Share of the photo below which a component is a speck and not counted.",
        low=0, high=0.05, step=0.0005,
    )  # fmt: skip
    separate_touching: bool = setting(
        False, "Separate touching objects",
        "Count and keep objects that touch one by one: their mask is divided where it has a neck.",
    )  # fmt: skip
    remove_specks: bool = setting(
        False, "Remove specks", "Remove components smaller than the smallest from all results."
    )
    fill_holes: bool = setting(False, "Fill holes", "Background enclosed by the subject becomes subject.")
    feather: float = setting(
        0.0, "Feather (thousandths of the longer side)",
        "Soften the edge. In thousandths of the photo's longer side.",
        low=0, high=10, step=0.5,
    )  # fmt: skip
    decontaminate: bool = setting(
        True,
        "Decontaminate edge colours",
        "Replace the old background's tint along the edge with the subject's own colour.",
    )
    background: Background = field(default_factory=Background)

    def __post_init__(self) -> None:
        validate(self)

    @property
    def passes(self) -> int:
        """The number of forward passes, with test-time augmentation."""
        whole = 3 if self.scales else 1
        return (whole + (self.tiles**2 if self.tiles > 1 else 0)) * (2 if self.flip else 1)

    @property
    def prediction(self) -> tuple[Any, ...]:
        """The settings that change the prediction; all others act on its result."""
        return self.long_side, self.flip, self.scales, self.tiles

    def of_model(self, threshold: float, refine_edges: bool) -> "CutOutSettings":
        """A copy with the model's own values where none are set."""
        return replace(
            self,
            threshold=threshold if self.threshold is None else self.threshold,
            refine_edges=refine_edges if self.refine_edges is None else self.refine_edges,
        )
