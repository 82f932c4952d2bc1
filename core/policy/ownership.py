"""Who made a folder of the workspace: so that they may change it, and so that what visitors leave behind
can be told from what stays."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from core.errors import UserError
from core.policy.permissions import visitor
from core.policy.policy import rules
from core.system.workspace import read_json, write_json

SIGNATURE_FILE = ".made_by.json"


@dataclass(frozen=True, slots=True)
class Signature:
    """`mark` tells one visitor from another, "" where nobody has signed. `is_visitors`: it is deleted after
    the rules' `keep_hours`. `made_from` is the folder without which it is of no use, "" for none."""

    mark: str = ""
    is_visitors: bool = False
    made_from: str = ""


def sign(folder: Path, made_from: Path | None = None) -> None:
    """Note who makes this folder. What the owner or an admin makes stays, and so does what was made while
    the rules let everything stay. Raises UserError where it cannot be written."""
    person = visitor()
    is_visitors = rules().keep_hours > 0 and not person.owner and not person.is_admin
    signed = Signature(person.mark, is_visitors, str(made_from or ""))
    if signed != Signature():
        write_json(folder / SIGNATURE_FILE, dataclasses.asdict(signed))


def signature(folder: Path) -> Signature:
    """Who made it; nobody's where that is not known."""
    try:
        kept = read_json(folder / SIGNATURE_FILE)
    except UserError:
        return Signature()
    made_from = str(kept.get("made_from", ""))
    return Signature(str(kept.get("mark", "")), kept.get("is_visitors") is True, made_from)


def is_own(folder: Path) -> bool:
    """Whether the one who asks has made it."""
    mark = visitor().mark
    return bool(mark) and signature(folder).mark == mark
