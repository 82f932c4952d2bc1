"""A hook of mkdocs: the site has only the files of docs/, so links to scripts and cards become words."""

import re
from typing import Any

LEAVES_DOCS = re.compile(r"\[([^\]]+)\]\(\.\./[^)\s]+\)")


def on_page_markdown(markdown: str, **_: Any) -> str:
    return LEAVES_DOCS.sub(r"\1", markdown)
