"""What a server needs that stays up in public: headers, a health check, an orderly end."""

from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import UserError
from core.policy.permissions import OWNER, acting_as
from core.policy.policy import current_policy
from core.runs import jobs
from core.server import status
from core.system.logs import log, log_error

# Streamlit's own page needs scripts, styles and workers of its own origin, inline ones among them, so
# a policy for these would either break it or allow everything; what may embed it can be said, and that
# it shows pictures of its own alone.
SENT = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "SAMEORIGIN",
    "content-security-policy": "frame-ancestors 'self'; object-src 'none'; base-uri 'self'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:",
    "permissions-policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
}


class Headers:
    """Adds SENT to every answer that does not say otherwise."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SENT.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers)


async def health(request: Request) -> Response:
    """200 and "ok", or 503 and what is wrong: for load balancers and `docker`. Tells nothing else."""
    with acting_as(OWNER):  # who only says whether all is well
        seen = await run_in_threadpool(status.look)
    if not seen.problems:
        return JSONResponse({"status": "ok"})
    return JSONResponse({"status": "failing", "problems": len(seen.problems)}, 503)


@asynccontextmanager
async def until_the_end(app: Any) -> AsyncIterator[MutableMapping[str, Any] | None]:
    """While the server runs; at its end trainings are asked to stop, where its rules say so."""
    log("server started")
    yield None
    try:
        if current_policy().stop_trainings_at_exit:
            await run_in_threadpool(stop_trainings)
    except UserError as error:  # rules that cannot be read ask for nothing
        log_error("trainings were not stopped", error)
    log("server ended")


def stop_trainings() -> int:
    """Ask all of them at once and wait for each; returns how many. They can be resumed."""
    runs = jobs.active()
    with acting_as(OWNER):  # the server itself ends them, whoever has started them
        for run in runs:
            run.stop_file.touch()
        for run in runs:
            jobs.stop(run)
    if runs:
        log("trainings stopped", count=len(runs))
    return len(runs)
