"""Who is asking, and whether this server's rules let them.

`require` stands at the doors of `core`, not of the pages, so that whatever way leads there is closed.
Who asks is known to the server alone: `visitor` is set by whatever runs pages, and the command line
and worker processes belong to the owner of the machine.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import UserError
from core.policy.policy import rules

DEEDS = {
    "train": "start trainings or other long work",
    "add": "add data sets or models",
    "change": "change or delete what is here",
    "machine": "reach the machine's own folders or the net through it",
    "rest": "use the REST endpoint",
}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at a page. `email` is "" for those who have not signed in; `mark` tells them from others
    and says nothing of who they are."""

    email: str = ""
    mark: str = ""
    owner: bool = False


OWNER, STRANGER = Person(owner=True), Person()
visitor: Callable[[], Person] = lambda: OWNER  # noqa: E731 - replaced by the server of the pages


def checked_email(claims: Mapping[str, Any]) -> str:
    """The address of somebody who has signed in, "" where their provider does not vouch for it.

    Until it does, an address is whatever somebody typed. OpenID Connect Core 1.0, 5.1: `email_verified`
    is a boolean, so text, a number or nothing does not count, unless the rules say that a provider which
    never sends it is trusted all the same. One that sends `False` never is.
    """
    vouched = claims.get("email_verified")
    trusted = vouched is True or (vouched is None and rules().unverified_emails)
    return str(claims.get("email") or "") if trusted else ""


def know_visitors_by(ask: Callable[[], Person]) -> None:
    """From now on `ask` says who is behind a call."""
    global visitor  # noqa: PLW0603
    visitor = ask


def allowed(deed: str, person: Person | None = None) -> bool:
    """Whether this person, the one who asks by default, may do one of DEEDS."""
    person = person or visitor()
    if person.owner:
        return True
    there = rules()
    match getattr(there, deed):
        case "everyone":
            return True
        case "signed-in":
            return bool(person.email)
        case "admins":
            return bool(person.email) and person.email.lower() in {a.lower() for a in there.admins}
        case _:
            return False


def require(deed: str) -> None:
    """Raises UserError where the rules keep the one who asks from it."""
    if not allowed(deed):
        raise UserError(refusal(deed))


def refusal(deed: str) -> str:
    who = {"signed-in": "Only people who have signed in", "admins": "Only the people who run this server"}
    wanted = getattr(rules(), deed)
    return f"{who.get(wanted, 'Nobody')} may {DEEDS[deed]} here."
