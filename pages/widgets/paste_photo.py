"""Pictures from the clipboard, into the page's uploader."""

from pages.widgets.component import component

_paste = component(__file__)


def paste_photo(words: str, key: str) -> None:
    """Listen for Ctrl+V. A pasted picture is uploaded as if it had been dropped; `words` say so."""
    _paste(key=key, data={"words": words})
