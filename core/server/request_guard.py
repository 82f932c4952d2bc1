"""What is refused before a page or an endpoint sees it: names of other hosts, and sites that are not ours.

A page of any site may make a browser ask this machine. Its own name can be made to lead here (DNS
rebinding), which the `Host` header gives away, and its scripts can send what a form could send, which
`Origin` gives away. Neither can be set by a page.
"""

from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from core.errors import UserError
from core.policy.permissions import STRANGER, allowed
from core.policy.policy import current_policy

LOOPBACK = ("localhost", "127.0.0.1", "::1")  # no name of somebody else's leads a browser to ask for these
HARMLESS = ("GET", "HEAD", "OPTIONS")
METRICS = "/_stcore/metrics"
UNKNOWN_HOST = (
    "This server does not answer to that name. Whoever runs it names its own in server.allowedHosts: "
    "docs/deployment.md says how.\n"
)
FOREIGN_ORIGIN = "This server takes nothing from pages of other sites.\n"

Hosts = Callable[[], Sequence[str]]


class RequestGuard:
    """ASGI middleware that answers 403 for unknown hosts and foreign origins, and 404 for the server's
    measurements where a stranger may not see its load. `hosts` gives the names that it answers to beside
    LOOPBACK, as Streamlit's `server.allowedHosts` writes them. Below the path `in_json`, where there is one,
    programs ask, and are refused in JSON."""

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
        """The status to answer with, 0 where there is nothing against the request."""
        headers = Headers(scope=scope)
        given = headers.getlist("host")
        if len(given) != 1 or not answers_to(given[0], self.hosts()):
            return 403, UNKNOWN_HOST
        if scope.get("method", "GET") not in HARMLESS and not same_origin(headers.get("origin"), given[0]):
            return 403, FOREIGN_ORIGIN
        if scope["path"].rstrip("/").endswith(METRICS) and not _load_is_open():
            return 404, "Not Found\n"
        return 0, ""


def answers_to(host: str, names: Sequence[str]) -> bool:
    """Whether a `Host` header names this machine, or is one of `names`: "studio.example.org",
    "*.example.org", or "*" for any, which a public server does not take for its own name."""
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
    """The name alone, in lower case; None where the header holds anything but a name and a port."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # raises where it is no number
    except ValueError:
        return None
    if parts.hostname is None or "@" in host or parts.path or parts.query or parts.fragment:
        return None
    return parts.hostname.lower().rstrip(".")


def _is_public() -> bool:
    try:
        return current_policy().public
    except UserError:  # rules that cannot be read open nothing
        return True


def _load_is_open() -> bool:
    try:
        return allowed("machine", STRANGER)
    except UserError:
        return False
