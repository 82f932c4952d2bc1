"""An invisible mark to which the page scrolls when it appears."""

from pages.widgets.component import component

_mark = component(__file__)


def scroll_here(key: str) -> None:
    _mark(key=key)
