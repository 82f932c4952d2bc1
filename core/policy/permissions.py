"""Who is asking, and whether this server's rules let them.

`needs` and `require` stand in `core` at the functions that do it, not in the pages, so that whatever way
leads there is closed. A call of which nobody has said on whose behalf it is made counts as a stranger's:
the command line, worker processes and maintenance say so themselves, with `acting_as(OWNER)`.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal, ParamSpec, TypeVar

from core.errors import UserError
from core.policy.policy import rules

Action = Literal["train", "add", "change", "machine", "rest"]
ACTIONS: dict[Action, str] = {
    "train": "start trainings or other long work",
    "add": "add data sets or models",
    "change": "change or delete what is here",
    "machine": "reach the machine's own folders or the net through it",
    "rest": "use the REST endpoint",
}
NEEDS = "__needs__"  # attribute of a function that asks before it does anything

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at a page. `email` is "" for those who have not signed in; `mark` tells them from others
    and says nothing of who they are. `owner`: whoever may start processes on the machine itself."""

    email: str = ""
    mark: str = ""
    owner: bool = False

    @property
    def is_admin(self) -> bool:
        """Whether the rules name them as one who runs this server."""
        return bool(self.email) and self.email.lower() in {a.lower() for a in rules().admins}


OWNER, STRANGER = Person(owner=True), Person()
_acting: ContextVar[Person | None] = ContextVar("acting", default=None)
_ask: Callable[[], Person] = lambda: STRANGER  # noqa: E731 - replaced by the server of the pages


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
    """From now on `ask` says who is behind a call for which `acting_as` says nothing."""
    global _ask  # noqa: PLW0603
    _ask = ask


@contextmanager
def acting_as(person: Person) -> Iterator[None]:
    """Within this, calls of this thread or task are made on this person's behalf. Threads that are
    started within it know nothing of it."""
    token = _acting.set(person)
    try:
        yield
    finally:
        _acting.reset(token)


def later(work: Callable[[], Result]) -> Callable[[], Result]:
    """The same for another thread to call, on behalf of whoever asks now: a download that is made when its
    button is clicked is made outside of any page."""
    person = visitor()

    def on_behalf() -> Result:
        with acting_as(person):
            return work()

    return on_behalf


def visitor() -> Person:
    """On whose behalf this is called; a stranger where nobody has said."""
    return _acting.get() or _ask()


def allowed(action: Action, person: Person | None = None) -> bool:
    """Whether this person, the one who asks by default, may do this."""
    person = person or visitor()
    if person.owner:
        return True
    match getattr(rules(), action):
        case "everyone":
            return True
        case "signed-in":
            return bool(person.email)
        case "admins":
            return person.is_admin
        case _:
            return False


def require(action: Action) -> None:
    """Raises UserError where the rules keep the one who asks from it."""
    if not allowed(action):
        raise UserError(refusal(action))


def needs(action: Action) -> Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]:
    """A function that asks before it does anything: `require` at the call, of a generator too."""

    def guard(work: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
        @functools.wraps(work)
        def asked(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
            require(action)
            return work(*args, **kwargs)

        setattr(asked, NEEDS, action)
        return asked

    return guard


def refusal(action: Action) -> str:
    """Who may, in a sentence for somebody who may not."""
    who = {"signed-in": "Only people who have signed in", "admins": "Only the people who run this server"}
    wanted = getattr(rules(), action)
    return f"{who.get(wanted, 'Nobody')} may {ACTIONS[action]} here."
