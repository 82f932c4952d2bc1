"""How a subject is cut out of a photo, written once for page, command line, REST, zips and video."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from core.errors import UserError
from core.settings import setting, validate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MIN_LONG_SIDE, MAX_LONG_SIDE = 64, 2048
MAX_TILES = 4  # along each side
BACKGROUNDS = {
    "transparent": "Transparent", "colour": "Colour", "blur": "Blur", "picture": "Picture",
    "grey": "Grey",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Background:
    """What lies behind the subject. `colour` is RGB; `picture` RGB uint8 (h, w, 3) of any size.

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
        """What `none`, `blur`, `grey` or `#RRGGBB` means. Raises UserError for anything else."""
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
class CutOutSettings:
    """All settings of the cut-out pipeline, in the order in which they act; see core.inference.cutout.

    `threshold` and `long_side` are the model's own where they are None. `keep` holds points, x and y as
    fractions of width and height: where there are any, only the components that hold one stay. Raises
    UserError for a value that is not allowed.
    """

    threshold: float | None = setting(
        None, "Threshold", "How sure the model must be before a pixel counts as subject.",
        low=0, high=1, step=0.01,
    )  # fmt: skip
    long_side: int | None = setting(
        None, "Longer side", "Pixels of the photo's longer side as the network sees it.",
        low=MIN_LONG_SIDE, high=MAX_LONG_SIDE,
    )  # fmt: skip
    flip: bool = setting(
        False, "Flip",
        "Predict the mirrored photo too and take the mean: twice the time. With the model that ships the "
        "gain is not significant; a model of your own may differ.",
    )  # fmt: skip
    scales: bool = setting(
        False, "Scales",
        "Predict at three quarters and five quarters of the size too: three times the time. As with the "
        "flip, no significant gain with the model that ships.",
    )  # fmt: skip
    tiles: int = setting(
        1, "Tiles a side",
        "Predict overlapping tiles too, for small subjects in large photos. With subjects of half the usual "
        "size mean Dice was 0.08 higher with 2 x 2 tiles, with a third of it 0.13 higher with 3 x 3. Where "
        "the subject fills the photo nothing is gained. Five and ten times the time.",
        low=1, high=MAX_TILES,
    )  # fmt: skip
    refine_edges: bool = setting(
        True, "Refine edges",
        "The network sees a photo small. With this its mask is enlarged along the photo's own edges, "
        "without it plainly. Costs a few hundredths of a second.",
    )  # fmt: skip
    only_largest: bool = setting(False, "Only the largest component", "Drop all other components.")
    keep: tuple[tuple[float, float], ...] = ()
    smallest_component: float = setting(
        0.001, "Smallest component", "Share of the photo below which a component is a speck and not counted.",
        low=0, high=0.05, step=0.0005,
    )  # fmt: skip
    remove_specks: bool = setting(
        False, "Remove specks", "Remove components below the smallest from the mask and the cut-out too."
    )
    fill_holes: bool = setting(False, "Fill holes", "Background that the subject encloses becomes subject.")
    feather: float = setting(
        0.0, "Feather", "Softens the edge, in thousandths of the photo's longer side.",
        low=0, high=10, step=0.5,
    )  # fmt: skip
    decontaminate: bool = setting(
        True, "Decontaminate edge colours", "Remove the old background's colour from the subject's edge."
    )
    background: Background = field(default_factory=Background)

    def __post_init__(self) -> None:
        validate(self)

    @property
    def passes(self) -> int:
        """How many times the network predicts, test-time augmentation included."""
        whole = 3 if self.scales else 1
        return (whole + (self.tiles**2 if self.tiles > 1 else 0)) * (2 if self.flip else 1)

    @property
    def prediction(self) -> tuple[Any, ...]:
        """The settings that change what the network is asked; all others act on its answer."""
        return self.long_side, self.flip, self.scales, self.tiles

    def with_threshold(self, own: float) -> "CutOutSettings":
        """The same, with the model's `own` threshold where none is set."""
        return self if self.threshold is not None else replace(self, threshold=own)
