"""Security headers, a health check and an orderly shutdown."""

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

# Streamlit's page needs inline scripts, styles and workers, so a content security policy for those would
# either break it or allow everything. This one limits framing, and images and media to the server's own.
SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "SAMEORIGIN",
    "content-security-policy": "frame-ancestors 'self'; object-src 'none'; base-uri 'self'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:",
    "permissions-policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
    # Both together let the pages that run models in the browser use several threads, in a frame too.
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
}


class Headers:
    """ASGI middleware that adds SECURITY_HEADERS to every response that does not set them itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers)


async def health(request: Request) -> Response:
    """200 if all is well, else 503 with the number of problems; for load balancers and containers."""
    with acting_as(OWNER):  # only the number of problems is revealed
        machine = await run_in_threadpool(status.measure)
    if not machine.problems:
        return JSONResponse({"status": "ok"})
    return JSONResponse({"status": "failing", "problems": len(machine.problems)}, 503)


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[MutableMapping[str, Any] | None]:
    """Starlette's lifespan: at the shutdown trainings are stopped if the policy says so."""
    log("server started")
    yield None
    try:
        if current_policy().stop_trainings_at_exit:
            await run_in_threadpool(stop_trainings)
    except UserError as error:  # a policy that cannot be read stops nothing
        log_error("trainings were not stopped", error)
    log("server ended")


def stop_trainings() -> int:
    """Stop all trainings, so that they can be resumed; returns how many there were."""
    runs = [*jobs.live_searches(), *jobs.active()]  # a search first, which would start another training
    with acting_as(OWNER):  # whoever started them
        for run in runs:
            run.stop_file.touch()
        for run in runs:
            jobs.stop(run)
    if runs:
        log("trainings stopped", count=len(runs))
    return len(runs)
