"""What a message may reveal of the server: paths are for those who may use its folders."""

import re
from collections.abc import Iterator
from pathlib import Path

from core.errors import UserError
from core.policy.permissions import allowed
from core.system import workspace

# An absolute path as far as its last separator. Not preceded by what makes it part of an address or of a
# relative path.
LEADING_FOLDERS = re.compile(r"(?<![\w.:/~%-])/(?:[^\s/'\"`,;:()<>|]+/)+")


def for_visitor(text: str) -> str:
    """The text as the current person may read it.

    Those with the permission `machine`, such as the owner, read it unchanged. For everybody else paths in
    the workspace become relative to it, and other absolute paths keep their last part. A policy that cannot
    be read permits nothing.
    """
    try:
        if allowed("machine"):
            return text
    except UserError:
        pass
    for root, name in _roots():
        here = rf"(?<![\w./~-]){re.escape(str(root))}"
        text = re.sub(rf"{here}/", "", text)
        text = re.sub(rf"{here}(?![\w-])", name, text)
    return LEADING_FOLDERS.sub("", text)


def _roots() -> Iterator[tuple[Path, str]]:
    """The workspace and the project, which may contain it, as given and with links resolved."""
    for path, name in ((workspace.root(), "the workspace"), (workspace.PROJECT, "the app's folder")):
        for form in (path.resolve(), path.absolute()):
            yield form, name
