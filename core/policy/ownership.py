"""Who created a folder of the workspace: they may change it, and what visitors created expires."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from core.errors import UserError
from core.policy.permissions import visitor
from core.policy.policy import current_policy
from core.system.workspace import read_json, write_json

SIGNATURE_FILE = ".made_by.json"


@dataclass(frozen=True, slots=True)
class Signature:
    """`mark` is the creator's `Person.mark`, "" if unknown. `is_visitors`: a visitor created it, so it
    expires after `keep_hours`. `made_from` is the folder it was derived from and is useless without, ""
    if there is none."""

    mark: str = ""
    is_visitors: bool = False
    made_from: str = ""


def sign(folder: Path, made_from: Path | None = None) -> None:
    """Record who creates this folder. It never expires if the owner or an admin creates it, or if
    `keep_hours` is 0 at that time. Raises UserError if the record cannot be written."""
    person = visitor()
    is_visitors = current_policy().keep_hours > 0 and not person.owner and not person.is_admin
    signed = Signature(person.mark, is_visitors, str(made_from or ""))
    if signed != Signature():
        write_json(folder / SIGNATURE_FILE, dataclasses.asdict(signed))


def sign_as(folder: Path, other: Path) -> None:
    """Record that whoever created the other folder creates this one too."""
    signed = signature(other)
    if signed != Signature():
        write_json(folder / SIGNATURE_FILE, dataclasses.asdict(signed))


def signature(folder: Path) -> Signature:
    """Who created this folder; an empty Signature if that is not known."""
    try:
        kept = read_json(folder / SIGNATURE_FILE)
    except UserError:
        return Signature()
    made_from = str(kept.get("made_from", ""))
    return Signature(str(kept.get("mark", "")), kept.get("is_visitors") is True, made_from)


def is_own(folder: Path) -> bool:
    """Whether the current person created it."""
    mark = visitor().mark
    return bool(mark) and signature(folder).mark == mark
