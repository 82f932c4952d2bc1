"""Who is asking, and what the policy of this server permits them.

The functions of `core` that change, cost or reveal something check permissions themselves, with `needs` or
`require`; the pages do not. A call without a known person is treated as a stranger's: the command line,
worker processes and maintenance declare themselves with `acting_as(OWNER)`.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal, ParamSpec, TypeVar

from core.errors import UserError
from core.policy.policy import current_policy

Action = Literal["train", "add", "change", "machine", "rest"]
ACTIONS: dict[Action, str] = {
    "train": "start trainings or other long work",
    "add": "add data sets or models",
    "change": "change or delete what is here",
    "machine": "use folders of the server or its network connection",
    "rest": "use the REST endpoint",
}
NEEDS = "__needs__"  # attribute of a function that `needs` guards

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever makes a call. `email` is "" unless they have signed in; `mark` is an anonymous identifier.
    `owner` is whoever can start processes on the machine itself, and may do everything."""

    email: str = ""
    mark: str = ""
    owner: bool = False

    @property
    def is_admin(self) -> bool:
        """Whether the policy lists their address in `admins`."""
        return bool(self.email) and self.email.lower() in {a.lower() for a in current_policy().admins}


OWNER, STRANGER = Person(owner=True), Person()
_acting: ContextVar[Person | None] = ContextVar("acting", default=None)
_ask: Callable[[], Person] = lambda: STRANGER  # noqa: E731 - replaced by the server of the pages


def checked_email(claims: Mapping[str, Any]) -> str:
    """The e-mail address of somebody who has signed in, "" unless the provider has verified it.

    An unverified address is whatever somebody typed. `email_verified` is a boolean (OpenID Connect Core
    1.0, section 5.1), so text or a number does not count. A missing claim counts only if the policy sets
    `unverified_emails`; `False` never does.
    """
    verified = claims.get("email_verified")
    trusted = verified is True or (verified is None and current_policy().unverified_emails)
    return str(claims.get("email") or "") if trusted else ""


def know_visitors_by(ask: Callable[[], Person]) -> None:
    """Use `ask` to identify the person behind every call outside of `acting_as`."""
    global _ask  # noqa: PLW0603
    _ask = ask


@contextmanager
def acting_as(person: Person) -> Iterator[None]:
    """Within this block, calls of this thread or task are made on behalf of this person. Threads started
    inside it do not inherit it."""
    token = _acting.set(person)
    try:
        yield
    finally:
        _acting.reset(token)


def later(work: Callable[[], Result]) -> Callable[[], Result]:
    """Wrap `work` so that another thread calls it on behalf of the current person: Streamlit runs the
    callable of a download button outside of the page's script."""
    person = visitor()

    def on_behalf() -> Result:
        with acting_as(person):
            return work()

    return on_behalf


def visitor() -> Person:
    """The person on whose behalf this is called; a stranger if nobody is known."""
    return _acting.get() or _ask()


def allowed(action: Action, person: Person | None = None) -> bool:
    """Whether this person, by default the current one, may do this."""
    person = person or visitor()
    if person.owner:
        return True
    match getattr(current_policy(), action):
        case "everyone":
            return True
        case "signed-in":
            return bool(person.email)
        case "admins":
            return person.is_admin
        case _:
            return False


def require(action: Action) -> None:
    """Raises UserError if the policy does not permit this to the current person."""
    if not allowed(action):
        raise UserError(refusal(action))


def needs(action: Action) -> Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]:
    """Decorate a function to `require` a permission when it is called, even if it is a generator."""

    def guard(work: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
        @functools.wraps(work)
        def asked(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
            require(action)
            return work(*args, **kwargs)

        setattr(asked, NEEDS, action)
        return asked

    return guard


def refusal(action: Action) -> str:
    """A sentence for somebody without this permission: who has it."""
    who = {"signed-in": "Only people who have signed in", "admins": "Only the people who run this server"}
    wanted = getattr(current_policy(), action)
    return f"{who.get(wanted, 'Nobody')} may {ACTIONS[action]} here."
