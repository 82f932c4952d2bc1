"""A model on the visitor's camera, in a frame of the page."""

from pages.widgets.component import component

_view = component(__file__)


def live_view(address: str, theme: str, key: str) -> None:
    """Show the page of a model at `address`, relative to the app; `theme` is "light" or "dark"."""
    _view(key=key, data={"address": address, "theme": theme})
