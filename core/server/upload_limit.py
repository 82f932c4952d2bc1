"""How much open pages may upload: what their widgets ask for, and within what a page and all hold.

Streamlit takes a file of `server.maxUploadSize` from whoever has opened a page, as often as they like,
and leaves a widget's own limit to the browser.
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
AROUND = 64_000  # bytes of a request's body that are not the file's
KNOWN_PAGES = 10_000

Held = Callable[[], Mapping[str, int]]


class _RefusedError(Exception):
    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class UploadLimit:
    """ASGI middleware. `held` gives the bytes of the files that each page, by its session, holds now.

    A page may send what is asked for by a widget that it has shown (`expect`), and nothing before: not,
    for example, ahead of signing in.
    """

    def __init__(self, app: ASGIApp, held: Held) -> None:
        self.app, self.held = app, held
        self._coming: dict[str, int] = {}

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
            self._coming[session] = self._coming.get(session, 0) + size
            taken += size
            self._check(session, taken)
            return message

        try:
            self._check(session, _length_of(scope))
            await self.app(scope, counted, send)
        except _RefusedError as refusal:
            await PlainTextResponse(refusal.sentence, refusal.status)(scope, receive, send)
        finally:
            self._coming[session] = self._coming.get(session, 0) - taken
            if self._coming[session] <= 0:
                del self._coming[session]

    def _check(self, session: str, size: int) -> None:
        """Raises _RefusedError where a file of so many bytes, as far as it has come, is too much."""
        most = _asked_for.get(session)
        if not most:
            raise _RefusedError(403, "This page asks for no file.")
        if size > most * MEGABYTE + AROUND:
            raise _RefusedError(413, f"The file has more than the {most} MB that this page takes.")
        try:
            policy = current_policy()
        except UserError as error:
            raise _RefusedError(403, "This server is closed until its policy file is corrected.") from error
        held = self.held()
        mine = held.get(session, 0) + max(size, self._coming.get(session, 0))
        if policy.page_megabytes and mine > policy.page_megabytes * MEGABYTE + AROUND:
            raise _RefusedError(
                413,
                f"This page holds as much as it may, {policy.page_megabytes} MB: remove a file or reload it.",
            )
        everybody = sum(held.values()) + max(size, sum(self._coming.values()))
        if policy.pages_megabytes and everybody > policy.pages_megabytes * MEGABYTE + AROUND:
            raise _RefusedError(503, "This server holds as many files as it can: try again in some minutes.")


class _AskedFor:
    """The largest file, in MB, that any widget of a page asks for. Pages that are long gone are forgotten."""

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


_asked_for = _AskedFor()
expect = _asked_for.expect


def _session_of(scope: Scope) -> str | None:
    """Whose upload this is; None where it is none."""
    if scope["type"] != "http" or scope["method"] != "PUT" or PATH not in scope["path"]:
        return None
    return str(scope["path"].split(PATH, 1)[1].split("/", 1)[0])


def _length_of(scope: Scope) -> int:
    told = Headers(scope=scope).get("content-length", "")
    return int(told) if told.isdigit() else 0
