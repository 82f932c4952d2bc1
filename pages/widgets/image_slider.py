"""A before/after slider: two pictures of one size, one uncovered over the other."""

import base64

from pages.widgets.component import component

_slider = component(__file__)


def image_slider(
    before: bytes,
    after: bytes,
    size: tuple[int, int],
    labels: tuple[str, str],
    key: str,
    start: int = 50,
    tallest: int = 620,
) -> None:
    """Show two JPEGs of the same (height, width) with a divider to drag.

    `start` is where the divider is at first, in per cent of the width; `tallest` is in screen pixels.
    """
    _slider(
        key=key,
        data={
            "before": _data_url(before),
            "after": _data_url(after),
            "height": size[0],
            "width": size[1],
            "labels": list(labels),
            "start": start,
            "tallest": tallest,
        },
    )


def _data_url(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()
