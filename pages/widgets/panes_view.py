"""Several pictures of one image, large: side by side with one zoom for all, or two under a divider."""

from collections.abc import Sequence

from pages.widgets.component import component

_view = component(__file__)


def panes_view(
    panes: Sequence[tuple[str, str]], size: tuple[int, int], key: str, first: tuple[str, str] = ("", "")
) -> None:
    """Show (title, data URL) pictures of one shape, `size` (height, width). `first` are the titles that the
    divider begins with."""
    _view(
        key=key,
        data={
            "panes": [list(pane) for pane in panes],
            "height": size[0],
            "width": size[1],
            "first": list(first),
        },
    )
