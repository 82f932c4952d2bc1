"""One picture large: the mask as overlay, contour or alone, with zoom by wheel, pinch or buttons."""

from pages.widgets.component import component

_view = component(__file__)


def zoom_view(photo: str, mask: str, contour: str, size: tuple[int, int], key: str) -> None:
    """Show a photo with its mask. The pictures are data URLs of one shape, `size` (height, width)."""
    _view(
        key=key,
        data={"photo": photo, "mask": mask, "contour": contour, "height": size[0], "width": size[1]},
    )
