"""A picture on which clicks and strokes keep or remove what lies under them."""

from collections.abc import Callable
from typing import Any

from pages.widgets.component import component

_canvas = component(__file__)


def fix_canvas(
    picture: str, size: tuple[int, int], tool: str, radius: float, version: str, key: str,
    on_stroke: Callable[[], None],
) -> Any:  # fmt: skip
    """Show `picture`, a data URL of `size` (height, width) pixels. `tool` is "keep" or "remove"; the `radius`
    of a stroke is a fraction of the longer side.

    A finished click or stroke is the result's `stroke`: `points` (x and y as fractions), its `tool`, and the
    `version` of the picture that it was drawn on. It stays drawn until `version` changes.
    """
    return _canvas(
        key=key,
        data={
            "picture": picture,
            "height": size[0],
            "width": size[1],
            "tool": tool,
            "radius": radius,
            "version": version,
            "label": "The result over the photo",
        },
        on_stroke_change=on_stroke,
    )
