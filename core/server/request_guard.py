"""Refuses requests for unknown host names and from pages of other sites.

A page of any site can make a visitor's browser send requests to this machine. With DNS rebinding it uses a
host name of its own, which the `Host` header shows; otherwise the `Origin` header names its site. Scripts in
a page can set neither header.
"""

from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from core.errors import UserError
from core.policy.permissions import STRANGER, allowed
from core.policy.policy import current_policy

LOOPBACK = ("localhost", "127.0.0.1", "::1")  # safe: no attacker controls these names
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
METRICS = "/_stcore/metrics"
UNKNOWN_HOST = (
    "This server is not configured for this host name. Add it to server.allowedHosts: "
    "see docs/deployment.md.\n"
)
FOREIGN_ORIGIN = "Requests from pages of other sites are not accepted.\n"

Hosts = Callable[[], Sequence[str]]


class RequestGuard:
    """ASGI middleware: 403 for unknown hosts and foreign origins, and 404 for METRICS unless strangers have
    the permission `machine`. `hosts` returns the host names of this server besides LOOPBACK, in the form of
    Streamlit's `server.allowedHosts`. Refusals of paths below `in_json` are JSON."""

    def __init__(self, app: ASGIApp, hosts: Hosts = lambda: (), in_json: str | None = None) -> None:
        self.app, self.hosts, self.in_json = app, hosts, in_json

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        status, sentence = self._refusal(scope)
        if not status:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": ""})  # the client sees a 403
        else:
            asks_in_json = self.in_json is not None and scope["path"].startswith(self.in_json)
            answer = JSONResponse({"error": sentence.strip()}, status) if asks_in_json else None
            await (answer or PlainTextResponse(sentence, status))(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str]:
        """The status and message of the refusal; status 0 if the request is accepted."""
        headers = Headers(scope=scope)
        given = headers.getlist("host")
        if len(given) != 1 or not answers_to(given[0], self.hosts()):
            return 403, UNKNOWN_HOST
        # A websocket clicks and types. Streamlit compares its origin by name only, which other ports share.
        is_safe = scope["type"] == "http" and scope["method"] in SAFE_METHODS
        if not is_safe and not same_origin(headers.get("origin"), given[0]):
            return 403, FOREIGN_ORIGIN
        if scope["path"].rstrip("/").endswith(METRICS) and not _load_is_open():
            return 404, "Not Found\n"
        return 0, ""


def answers_to(host: str, names: Sequence[str]) -> bool:
    """Whether a `Host` header is a loopback name or matches one of `names`: "studio.example.org",
    "*.example.org", or "*", which matches any host, but none on a public server."""
    name = _name_in(host)
    if name is None:
        return False
    return name in LOOPBACK or any(_matches(name, wanted.strip().lower().rstrip(".")) for wanted in names)


def same_origin(origin: str | None, host: str) -> bool:
    """Whether a request comes from a page of this server, or from a program, which sends no `Origin`."""
    return origin is None or urlsplit(origin).netloc.lower() == host.lower()


def _matches(name: str, wanted: str) -> bool:
    if wanted == "*":
        return not _is_public()
    return name.endswith(wanted[1:]) if wanted.startswith("*.") else name == wanted


def _name_in(host: str) -> str | None:
    """The host name in lower case; None if the header is not a name with an optional port."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # raises if it is not a number
    except ValueError:
        return None
    if parts.hostname is None or "@" in host or parts.path or parts.query or parts.fragment:
        return None
    return parts.hostname.lower().rstrip(".")


def _is_public() -> bool:
    try:
        return current_policy().public
    except UserError:  # a policy that cannot be read permits nothing
        return True


def _load_is_open() -> bool:
    try:
        return allowed("machine", STRANGER)
    except UserError:
        return False
