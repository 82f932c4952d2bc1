"""Text that is not the page's own: names, messages of `core`, what was written to a file."""

from core.policy.disclosure import for_visitor
from core.system import formatting


def plain(text: str) -> str:
    """Such a text for Markdown: its characters have no special meaning, and paths of the server are shown
    only to those who may use its folders. Every message of an error passes through here."""
    return formatting.plain(for_visitor(text))


def cut(name: str, most: int) -> tuple[str, str | None]:
    """A long name without its middle, and the whole of it as a tooltip; both for Markdown."""
    return plain(formatting.shortened(name, most)), plain(name) if len(name) > most else None
