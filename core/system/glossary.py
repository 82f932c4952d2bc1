"""The terms of docs/glossary.md, for pages that show them."""

import re

from core.system.workspace import PROJECT

_PAGE_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]*\)")


def section(heading: str) -> str:
    """The Markdown below a heading of the glossary; "" where the documentation is not installed.

    Links to other pages of the documentation, which the app does not serve, become plain text.
    """
    file = PROJECT / "docs" / "glossary.md"
    if not file.is_file():
        return ""
    _, _, after = file.read_text("utf-8").partition(f"\n## {heading}\n")
    return _PAGE_LINK.sub(r"\1", after.partition("\n## ")[0].strip())
