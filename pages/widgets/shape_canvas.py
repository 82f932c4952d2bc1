"""A canvas with two shapes to drag and to resize; Python colours the pixels and counts them."""

from typing import Any

from pages.widgets.component import component

_canvas = component(__file__)


def shape_canvas(
    picture: str, shapes: dict[str, dict[str, Any]], size: tuple[int, int], version: str, key: str
) -> None:
    """Show `picture`, a data URL of `size` (height, width) pixels, under the outlines of `shapes`.

    What is dragged is in the session's state under `key` as `shapes`, a dictionary like the one given
    with its `version` beside. The shapes given here are taken over when `version` changes.
    """
    _canvas(
        key=key,
        data={
            "picture": picture,
            "shapes": shapes,
            "height": size[0],
            "width": size[1],
            "version": version,
        },
        default={"shapes": None},
        on_shapes_change=lambda: None,
    )
