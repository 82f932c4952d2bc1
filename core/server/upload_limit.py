"""Limits of uploads: for each widget, for each page and for all pages together.

Streamlit itself accepts any number of files up to `server.maxUploadSize` from any open page, and leaves a
widget's own limit to the browser.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import UserError
from core.policy.policy import current_policy

PATH = "/_stcore/upload_file/"
MEGABYTE = 1 << 20  # as Streamlit counts them
OVERHEAD = 64_000  # bytes of a request's body around the file
KNOWN_PAGES = 10_000

Held = Callable[[], Mapping[str, int]]


class _RefusedError(Exception):
    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class UploadLimit:
    """ASGI middleware. `held` returns the bytes of uploaded files that each session holds now.

    A page may upload only after it has shown an uploader (`expect`), so not before signing in.
    """

    def __init__(self, app: ASGIApp, held: Held) -> None:
        self.app, self.held = app, held
        self._incoming: dict[str, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        session = _session_of(scope)
        if session is None:
            await self.app(scope, receive, send)
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            size = len(message.get("body", b""))
            self._incoming[session] = self._incoming.get(session, 0) + size
            taken += size
            self._check(session, taken)
            return message

        try:
            self._check(session, _length_of(scope))
            await self.app(scope, counted, send)
        except _RefusedError as refusal:
            await PlainTextResponse(refusal.sentence, refusal.status)(scope, receive, send)
        finally:
            self._incoming[session] = self._incoming.get(session, 0) - taken
            if self._incoming[session] <= 0:
                del self._incoming[session]

    def _check(self, session: str, size: int) -> None:
        """Raises _RefusedError if a file of `size` bytes, or the part received so far, exceeds a limit."""
        most = _expected.get(session)
        if not most:
            raise _RefusedError(403, "This page does not accept files.")
        if size > most * MEGABYTE + OVERHEAD:
            raise _RefusedError(413, f"The file is larger than {most} MB, the limit of this page.")
        try:
            policy = current_policy()
        except UserError as error:
            raise _RefusedError(403, "This server is closed until its policy file is corrected.") from error
        held = self.held()
        mine = held.get(session, 0) + max(size, self._incoming.get(session, 0))
        if policy.page_megabytes and mine > policy.page_megabytes * MEGABYTE + OVERHEAD:
            raise _RefusedError(
                413,
                f"This page holds the {policy.page_megabytes} MB that it may: remove a file or reload it.",
            )
        everybody = sum(held.values()) + max(size, sum(self._incoming.values()))
        if policy.pages_megabytes and everybody > policy.pages_megabytes * MEGABYTE + OVERHEAD:
            raise _RefusedError(503, "This server holds as many files as it can: try again in a few minutes.")


class _Expected:
    """The largest file, in MB, that any uploader of a page accepts; for the KNOWN_PAGES most recent pages."""

    def __init__(self) -> None:
        self._most: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, session: str) -> int:
        return self._most.get(session, 0)

    def expect(self, session: str, megabytes: int) -> None:
        with self._lock:
            self._most[session] = max(megabytes, self._most.pop(session, 0))
            while len(self._most) > KNOWN_PAGES:
                self._most.popitem(last=False)


_expected = _Expected()
expect = _expected.expect


def _session_of(scope: Scope) -> str | None:
    """The session of an upload; None if the request is not one."""
    if scope["type"] != "http" or scope["method"] != "PUT" or PATH not in scope["path"]:
        return None
    return str(scope["path"].split(PATH, 1)[1].split("/", 1)[0])


def _length_of(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "")
    return int(length) if length.isdigit() else 0
